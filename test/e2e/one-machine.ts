/** A one-machine cluster of real processes, in a directory and a home of its own, driven by the very commands that people type. */
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { isRunning } from '../../launcher/process-identity.js'
import type { ProgramRecord } from '../../launcher/program-record.js'
import { freePort } from '../processes/free-port.js'

export const root = path.resolve(import.meta.dirname, '../..')

export interface Ended {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface OneMachine extends AsyncDisposable {
  readonly folder: string
  readonly home: string
  /** DIR of the cluster. */
  readonly directory: string
  /** `up`, `down` or `quickstart` on DIR; a first start is on a free port unless one is named. */
  launch(command: 'up' | 'down' | 'quickstart', ...args: string[]): Promise<Ended>
  kubectlLite(...args: string[]): Promise<Ended>
  /** What runs of the cluster, by program. */
  running(): Record<string, ProgramRecord>
}

export interface OneMachineOptions {
  readonly env?: Readonly<Record<string, string>>
}

export async function oneMachine({ env = {} }: OneMachineOptions = {}): Promise<OneMachine> {
  const folder = mkdtempSync(path.join(tmpdir(), 'millrace-e2e-'))
  const home = path.join(folder, 'home')
  const directory = path.join(folder, 'cluster')
  const ownEnv = {
    ...process.env,
    HOME: home,
    XDG_DATA_HOME: '',
    XDG_CACHE_HOME: '',
    KUBECONFIG: '',
    DOCKER_HOST: `unix://${folder}/no-docker.sock`,
    ...env,
  }
  const launch: OneMachine['launch'] = async (command, ...args) => {
    const isNew = command !== 'down' && !existsSync(`${directory}/cluster.json`)
    const ports = [
      ...(isNew && !args.includes('--port') ? ['--port', String(await freePort())] : []),
      // Its containers stay off the machine's own network.
      ...(isNew && !args.includes('--network') ? ['--network', 'none'] : []),
      ...(isNew ? ['--gateway-port', String(await freePort()), '--ssh-port', String(await freePort())] : []),
    ]
    return await run(process.execPath, ['launcher/setup.mjs', command, '--data-dir', directory, ...ports, ...args], ownEnv)
  }
  return {
    folder,
    home,
    directory,
    launch,
    kubectlLite: async (...args) =>
      await run(
        process.execPath,
        [path.join(root, 'dist/kubectl-lite/main.js'), '--kubeconfig', `${directory}/admin.kubeconfig`, ...args],
        ownEnv,
      ),
    running: () => runningPrograms(directory),
    [Symbol.asyncDispose]: async () => {
      await launch('down', '--purge')
      // What a failed test may have left, by pid and start time.
      for (const record of Object.values(runningPrograms(directory))) process.kill(record.pid, 'SIGKILL')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Runs a command to its end, from the project's root. */
export function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env, cwd = root): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? -1, out, err }))
  })
}

function runningPrograms(directory: string): Record<string, ProgramRecord> {
  const folder = path.join(directory, 'run')
  let files: string[]
  try {
    files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  } catch {
    return {}
  }
  const records = files.map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as ProgramRecord)
  return Object.fromEntries(records.filter(isRunning).map((record) => [record.program, record]))
}
