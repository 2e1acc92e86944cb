import { execFile, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { stringify } from 'yaml'
import type { ConformanceCluster } from './conformance-cluster.js'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  /** What the command reads from its standard input. */
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/**
 * Somebody who types kubectl commands of one version in a namespace of their own.
 *
 *     await user.out(`label task a tier=one`)
 *     await user.refusal(`patch task a -p '{"spec":{"suspend":true}}'`)
 */
export class KubectlUser {
  readonly namespace: string
  #home = ''

  constructor(
    /** As 1.32. */
    readonly version: string,
    readonly file: string,
  ) {
    this.namespace = `v${version.replace('.', '-')}`
  }

  /** Makes this user known to the cluster: a home for caches and configuration, and a namespace. Before it no command can run. */
  async moveIn({ directory, kubeconfig }: ConformanceCluster): Promise<void> {
    const { namespace } = this
    this.#home = path.join(directory, this.version)
    mkdirSync(this.#home, { recursive: true })
    const contexts = kubeconfig.contexts.map(({ name, context }) => ({ name, context: { ...context, namespace } }))
    this.write('kubeconfig', stringify({ ...kubeconfig, contexts }))
    await this.out(`create namespace ${namespace}`)
  }

  /** 32 of 1.32. */
  get minor(): number {
    return Number(this.version.split('.')[1])
  }

  /** Writes a file in this user's home. Returns its path. */
  write(name: string, content: string, mode = 0o600): string {
    const file = path.join(this.#home, name)
    writeFileSync(file, content, { mode })
    return file
  }

  /** Runs a command to its end, whatever that is. Words are split at spaces; single quotes hold them together. */
  run(command: string, { input = '', env }: CommandOptions = {}): Promise<CommandResult> {
    return new Promise((resolve) => {
      const options = { env: this.#env(env), timeout: 60_000, maxBuffer: 16 * 1024 * 1024 }
      const child = execFile(this.file, splitWords(command), options, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr })
      })
      child.stdin?.end(input)
    })
  }

  /** Standard output of a command that must succeed. */
  async out(command: string, options: CommandOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options)
    expect({ command, code, stderr: code === 0 ? '' : stderr }).toEqual({ command, code: 0, stderr: '' })
    return stdout
  }

  /** What a command says that must fail. */
  async refusal(command: string, options: CommandOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.run(command, options)
    expect({ command, code, stdout: code === 1 ? '' : stdout }).toEqual({ command, code: 1, stdout: '' })
    return stderr
  }

  /** Starts a command that goes on; its output gathers in `text` until `end` is called. */
  follow(command: string): { text(): string; end(): Promise<void> } {
    const child = spawn(this.file, splitWords(command), { env: this.#env(), stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    return {
      text: () => said,
      end: () => {
        child.kill()
        return ended
      },
    }
  }

  #env(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    // A command ends before its garbage matters.
    return { PATH: process.env.PATH, HOME: this.#home, KUBECONFIG: path.join(this.#home, 'kubeconfig'), GOGC: 'off', ...more }
  }
}

function splitWords(command: string): string[] {
  const words = command.match(/(?:'[^']*'|[^\s'])+/g) ?? []
  return words.map((word) => word.replaceAll("'", ''))
}
