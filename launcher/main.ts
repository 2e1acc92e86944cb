/** `npm run up`, `down` and `quickstart`. This file alone reads the command line and the environment. */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { FlagError, parseFlags } from '../lib/base/flags.js'
import { defaultDirectory } from './cluster-directory.js'
import type { Commands } from './command.js'
import { down } from './down.js'
import { explainFailure } from './launch-error.js'
import { quickstart } from './quickstart.js'
import { up } from './up.js'

const dataDir = {
  type: 'string',
  value: 'DIR',
  description: 'the directory of the cluster (default: millrace/default under XDG_DATA_HOME)',
} as const
const startFlags = {
  'data-dir': dataDir,
  port: { type: 'integer', value: 'PORT', description: 'the port of the API server (default: 6443, or the next free one)' },
  'gateway-port': {
    type: 'integer',
    value: 'PORT',
    description: 'where the gateway takes the connections of agents (default: 6444, or the next free one)',
  },
  'ssh-port': {
    type: 'integer',
    value: 'PORT',
    description: 'where people log in by SSH, at the gateway (default: 2222, or the next free one)',
  },
  'gateway-host': {
    type: 'string',
    value: 'ADDRESS',
    description:
      'where the gateway listens for people, Tunnels and agents; 0.0.0.0: on all addresses (default: 127.0.0.1, this machine alone)',
  },
  backends: { type: 'list', description: 'what runs Tasks: process, docker, qemu (default: process, and docker when its socket answers)' },
  network: {
    type: 'string',
    value: 'MODE',
    description: 'auto: containers and virtual machines share a bridge where that can be; bridge; none (default: auto)',
  },
  'agent-config': {
    type: 'string',
    value: 'FILE',
    description: "further flags of the node's agent, a YAML map by name: open-ports: [5432]",
  },
  'hollow-nodes': { type: 'integer', description: 'further nodes that only pretend to run Tasks (default: 0)' },
} as const
const stopFlags = {
  'data-dir': dataDir,
  'stop-workloads': { type: 'boolean', default: false, description: 'end all workloads first, containers too' },
  purge: { type: 'boolean', default: false, description: 'delete all Tasks first, and the directory in the end' },
} as const

const say = (text: string): void => void process.stdout.write(`${text}\n`)
const root = path.resolve(import.meta.dirname, '../..')

async function main([command, ...argv]: readonly string[]): Promise<number> {
  const commands: Commands = { binFolder: path.join(root, 'dist/bin'), build: buildStamp(), env: process.env }
  if (command === 'down') {
    const { values, help } = parseFlags(
      { program: 'npm run down', call: 'npm run down --', summary: 'ends a one-machine cluster', flags: stopFlags },
      argv,
    )
    if (help !== undefined) return printHelp(help)
    await down({ ...directoryOf(values['data-dir']), commands, stopWorkloads: values['stop-workloads'], purge: values.purge, say })
    return 0
  }
  if (command !== 'up' && command !== 'quickstart') throw new FlagError(`unknown command "${command ?? ''}"; use up, down or quickstart`)
  const summary = command === 'up' ? 'starts a one-machine cluster in the background' : 'starts a cluster and shows a first Task'
  const { values, help } = parseFlags({ program: `npm run ${command}`, call: `npm run ${command} --`, summary, flags: startFlags }, argv)
  if (help !== undefined) return printHelp(help)
  const options = {
    ...directoryOf(values['data-dir']),
    commands,
    version: packageVersion(),
    root,
    port: values.port,
    gatewayPort: values['gateway-port'],
    sshPort: values['ssh-port'],
    backends: values.backends,
    hollowNodes: values['hollow-nodes'],
    gatewayHost: values['gateway-host'],
    network: values.network,
    agentConfig: values['agent-config'] === undefined ? undefined : fromCaller(values['agent-config']),
    say,
  }
  const isRoot = process.getuid?.() === 0
  if (command === 'quickstart') {
    await quickstart({ ...options, isRoot })
    return 0
  }
  const cluster = await up({ ...options, isRoot })
  if (!cluster.wasRunning)
    say(`The cluster is ready on port ${cluster.record.port}, and runs Tasks with ${cluster.record.backends.join(' and ')}.`)
  say(`\n  export PATH="${commands.binFolder}:$PATH" KUBECONFIG="${cluster.kubeconfig}"\n`)
  return 0
}

function printHelp(text: string): number {
  process.stdout.write(text)
  return 0
}

/** From where the command was typed, not where npm runs it. */
function fromCaller(file: string): string {
  return file === '' ? '' : path.resolve(process.env.INIT_CWD ?? process.cwd(), file)
}

function directoryOf(given: string | undefined): { directory: string; isDefaultDirectory: boolean } {
  const usual = defaultDirectory(process.env, homedir())
  const directory = given === undefined ? usual : fromCaller(given)
  return { directory, isDefaultDirectory: directory === usual }
}

/** What the build was made of; an installed package is never built again, so that its version is enough. */
function buildStamp(): string {
  const file = path.join(root, 'dist/.stamp')
  return existsSync(file) ? readFileSync(file, 'utf8') : packageVersion()
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }).version
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    process.stderr.write(`${explainFailure(error)}\n`)
    process.exitCode = error instanceof FlagError ? 2 : 1
  },
)
