/**
 * A machine's network of a test's own: a namespace with an engine and a whole cluster in it, and one behind it that stands for the outside.
 * Nothing of it reaches the machine's own network. For tests alone.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import path from 'node:path'
import { promisify } from 'node:util'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { startTestEngine, type TestEngine, type TestEngineOptions } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { projectRoot } from './owner.js'

const execute = promisify(execFile)

export const outsideAddress = '192.0.2.1'
export const machineAddress = '192.0.2.2'

export interface NetworkBed extends AsyncDisposable {
  readonly engine: TestEngine
  readonly directory: string
  /** Runs a program in the machine's network; rejects when it fails. */
  inside(program: string, ...args: string[]): Promise<string>
  /** Runs a program where the machine's default route leads. */
  outside(program: string, ...args: string[]): Promise<string>
  /** `up` or `down` of the cluster. */
  launch(command: 'up' | 'down', ...args: string[]): Promise<string>
  kubectl(...args: string[]): Promise<string>
  apply(...objects: object[]): Promise<void>
  /** A client of this process, for the cluster that is up in the machine's network. */
  connect(): Promise<Client>
  docker(...args: string[]): Promise<string>
}

/** Runs where the machine's network is, and carries connections that its parent hands it to a port there. */
const relay = `process.on('message', (port, socket) => {
  const there = require('node:net').connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  for (const [one, other] of [[socket, there], [there, socket]]) one.on('error', () => other.destroy()).pipe(other)
})`

export interface NetworkBedOptions extends Pick<TestEngineOptions, 'bridge'> {
  /** Folder of the build under test. */
  readonly build?: string
  /** Further environment of the engine and of the cluster's programs. */
  readonly env?: Readonly<Record<string, string>>
  /** Words before the command that starts or ends the cluster. */
  readonly prefix?: readonly string[]
}

export async function networkBed({
  env = {},
  prefix = [],
  bridge = false,
  build = projectRoot,
}: NetworkBedOptions = {}): Promise<NetworkBed> {
  const [machine, beyond] = [`mrt-${process.pid}-m`, `mrt-${process.pid}-o`]
  const folder = await mkdtemp('/tmp/mrn-')
  const directory = path.join(folder, 'cluster')
  const ip = (...args: string[]) => execute('ip', args)
  const within =
    (netns: string) =>
    async (program: string, ...args: string[]) =>
      (await execute('nsenter', [`--net=/run/netns/${netns}`, program, ...args], { cwd: build, env: environment(), timeout: 300_000 }))
        .stdout
  let engine: TestEngine | undefined
  const environment = () => ({ ...process.env, ...env, HOME: folder, KUBECONFIG: '', DOCKER_HOST: `unix://${engine?.socketPath}` })
  const inside = within(machine)
  const launch: NetworkBed['launch'] = (command, ...args) =>
    inside('env', ...prefix, process.execPath, path.join(build, 'dist/launcher/main.js'), command, '--data-dir', directory, ...args)
  const relays: { child: ChildProcess; client: Client; end(): void }[] = []
  const close = async () => {
    for (const { child, client, end } of relays) {
      await client.close()
      end()
      child.kill('SIGKILL')
    }
    await launch('down', '--purge').catch(() => {})
    await engine?.close()
    for (const netns of [machine, beyond]) {
      const { stdout } = await ip('netns', 'pids', netns).catch(() => ({ stdout: '' }))
      for (const pid of stdout.split('\n').filter(Boolean)) process.kill(Number(pid), 'SIGKILL')
      await ip('netns', 'delete', netns).catch(() => {})
    }
    await rm(folder, { recursive: true, force: true })
  }
  try {
    for (const netns of [machine, beyond]) {
      await ip('netns', 'add', netns)
      await ip('-n', netns, 'link', 'set', 'lo', 'up')
    }
    await ip('-n', machine, 'link', 'add', 'up0', 'type', 'veth', 'peer', 'name', 'down0', 'netns', beyond)
    await ip('-n', machine, 'address', 'add', `${machineAddress}/24`, 'dev', 'up0')
    await ip('-n', beyond, 'address', 'add', `${outsideAddress}/24`, 'dev', 'down0')
    await ip('-n', machine, 'link', 'set', 'up0', 'up')
    await ip('-n', beyond, 'link', 'set', 'down0', 'up')
    await ip('-n', machine, 'route', 'add', 'default', 'via', outsideAddress)
    engine = await startTestEngine({ netns: machine, bridge, env })
  } catch (error) {
    await close()
    throw error
  }
  const kubectlLite = [path.join(build, 'dist/kubectl-lite/main.js'), '--kubeconfig', `${directory}/admin.kubeconfig`]
  const socket = `unix://${engine.socketPath}`
  return {
    engine,
    directory,
    inside,
    outside: within(beyond),
    launch,
    kubectl: (...args) => inside(process.execPath, ...kubectlLite, ...args),
    async apply(...objects) {
      const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects })
      await inside('sh', '-c', `printf %s "$1" | "$2" "$3" "$4" "$5" apply -f -`, 'sh', list, process.execPath, ...kubectlLite)
    },
    async connect() {
      const { config } = await loadKubeconfig({ env: {}, home: folder, kubeconfig: `${directory}/admin.kubeconfig` })
      const port = Number(new URL(config.server).port)
      const child = spawn('nsenter', [`--net=/run/netns/${machine}`, process.execPath, '-e', relay], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      })
      const server = createServer({ pauseOnConnect: true }, (connection) => child.send(port, connection))
      await once(server.listen(0, '127.0.0.1'), 'listening')
      const client = createClient({ ...config, server: `https://127.0.0.1:${(server.address() as AddressInfo).port}` })
      relays.push({ child, client, end: () => server.close() })
      return client
    },
    docker: async (...args) => (await execute('docker', ['-H', socket, ...args])).stdout,
    [Symbol.asyncDispose]: close,
  }
}
