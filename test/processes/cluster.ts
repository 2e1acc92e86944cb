/** A whole one-machine cluster of the build under test, started as users start it. */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from './free-port.js'
import type { Owner } from './owner.js'
import { figuresOf, type ProcessFigures } from './process-figures.js'

export interface Cluster {
  readonly directory: string
  /** The administrator's. */
  readonly kubeconfig: string
  readonly port: number
  /** Runs kubectl-lite as the administrator; what it prints. Throws when it fails, with its `stderr`. */
  kubectl(...args: string[]): string
  /** Applies manifests. */
  apply(manifests: string): string
  /** Its programs, from the launcher's records. */
  programs(): readonly ({ readonly program: string; readonly pid: number } & ProcessFigures)[]
}

export interface ClusterOptions {
  /** As in `up --backends`. */
  readonly backends: string
  /** As in `up --network`; default none: its containers stay off the machine's own network. */
  readonly network?: string
  /** As in `up --hollow-nodes`. */
  readonly hollowNodes?: number
  readonly env?: Readonly<Record<string, string>>
}

/** Resolves when the cluster is ready; it is taken down, workloads and all, when its owner ends. */
export async function startCluster(owner: Owner, options: ClusterOptions): Promise<Cluster> {
  const directory = path.join(owner.directory, 'cluster')
  mkdirSync(directory, { mode: 0o700 })
  const port = await freePort()
  const launcher = path.join(owner.build, 'dist/launcher/main.js')
  const env = { ...process.env, ...options.env }
  owner.defer(() => runToEnd(launcher, ['down', '--data-dir', directory, '--stop-workloads'], env))
  const hollow = options.hollowNodes === undefined ? [] : ['--hollow-nodes', String(options.hollowNodes)]
  const ports = ['--port', String(port), '--gateway-port', String(await freePort()), '--ssh-port', String(await freePort())]
  const settings = ['--backends', options.backends, '--network', options.network ?? 'none', ...hollow]
  await runToEnd(launcher, ['up', '--data-dir', directory, ...ports, ...settings], env)
  const kubeconfig = path.join(directory, 'admin.kubeconfig')
  const kubectl = (args: readonly string[], input = '') => {
    const command = [path.join(owner.build, 'dist/kubectl-lite/main.js'), '--kubeconfig', kubeconfig, ...args]
    return execFileSync(process.execPath, command, { encoding: 'utf8', stdio: 'pipe', input })
  }
  return {
    directory,
    port,
    kubeconfig,
    kubectl: (...args) => kubectl(args),
    apply: (manifests) => kubectl(['apply', '-f', '-'], manifests),
    programs() {
      const folder = path.join(directory, 'run')
      const records = readdirSync(folder).filter((name) => name.endsWith('.json'))
      return records.map((name) => {
        const { program, pid } = JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as { program: string; pid: number }
        return { program, pid, ...figuresOf(pid) }
      })
    },
  }
}

/** Runs a script of the build; rejects with what it said when it fails or takes longer than five minutes. */
function runToEnd(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 300_000 })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said += text))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${path.basename(script)} ${args[0]} ended with ${code}:\n${said}`)),
    )
  })
}
