import { hostname } from 'node:os'
import { type AddressPrefix, parsePrefix } from '../lib/api/public-address.js'
import { tryParseQuantity } from '../lib/api/quantity.js'
import { FlagError, parseFlags } from '../lib/base/flags.js'
import type { LogLevel } from '../lib/base/log.js'
import type { NodePort } from './network/firewall.js'

const backendNames = ['process', 'docker', 'qemu'] as const
export type BackendName = (typeof backendNames)[number]

const networkChoices = ['auto', 'bridge', 'none'] as const
export type NetworkChoice = (typeof networkChoices)[number]

/** What the agent was started with. */
export interface AgentFlags {
  readonly dataDirectory: string
  readonly workDirectory: string | undefined
  /** Undefined: the one that the machine has joined as, else the machine's own. */
  readonly nodeName: string | undefined
  readonly server: string | undefined
  readonly caFile: string | undefined
  readonly kubeconfig: string | undefined
  readonly joinTokenFile: string | undefined
  readonly backends: readonly BackendName[]
  readonly dockerSocket: string
  readonly network: NetworkChoice
  /** Ports of the machine that workloads on the bridge may reach. */
  readonly openPorts: readonly NodePort[]
  /** Undefined: `images` in the data directory. */
  readonly imageDirectory: string | undefined
  readonly qemuBinary: string
  /** What is fetched for whoever names an https:// image. */
  readonly imageRules: { readonly networks: readonly AddressPrefix[]; readonly mostBytes: number }
  readonly cpuFactor: number
  /** What the node offers, where that is not what the machine has. */
  readonly capacity: { readonly cpus: number | undefined; readonly memoryBytes: number | undefined }
  readonly labels: Readonly<Record<string, string>>
  readonly maxWorkloads: number
  /** After so long without a sign of the agent its node is taken for silent. */
  readonly leaseSeconds: number
  readonly keepProcesses: boolean
  readonly hollowNodes: number
  readonly hollowKubeconfig: string | undefined
  readonly logLevel: LogLevel
  /** Whether to remove what an earlier agent left, instead of working. */
  readonly purge: boolean
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent']

/** Reads the command line. Throws FlagError. */
export function agentFlags(argv: readonly string[]): AgentFlags | { readonly help: string } {
  const { values, operands, help } = parseFlags(
    {
      program: 'millrace-nodeagent',
      summary: 'runs the workloads that are bound to its node, and says how they are; purge removes all that it left, when it has ended',
      operands: '[purge]',
      flags: {
        'data-dir': {
          type: 'string',
          value: 'DIR',
          required: true,
          description: 'where the agent keeps what it must not forget; one agent a directory',
        },
        'work-dir': {
          type: 'string',
          value: 'DIR',
          description:
            'where tasks have their homes and volumes (default: as root a folder of /var/lib/millrace, else in the data directory)',
        },
        'node-name': {
          type: 'string',
          value: 'NAME',
          description: "the node's name (default: the one that it has joined as, or the machine's)",
        },
        server: { type: 'string', value: 'URL', description: 'the API server to join, as https://10.0.0.1:6443' },
        'ca-file': { type: 'string', value: 'FILE', description: 'the authority that signed its certificate' },
        'join-token-file': { type: 'string', value: 'FILE', description: 'a token of kubectl-lite join-token; used once' },
        kubeconfig: { type: 'string', value: 'FILE', description: 'credentials to use instead of joining' },
        backends: {
          type: 'list',
          default: ['docker'],
          description: 'what runs tasks: process, docker, qemu. Without root, process isolates nothing',
        },
        'docker-socket': { type: 'string', value: 'PATH', default: '/var/run/docker.sock', description: 'where the Docker engine listens' },
        'image-dir': {
          type: 'string',
          value: 'DIR',
          description: 'where images of virtual machines lie (default: images in the data directory)',
        },
        'image-networks': {
          type: 'list',
          value: 'CIDR,…',
          description:
            'networks that are not public, as 10.1.0.0/16, whose servers images of virtual machines may be fetched from (default: none)',
        },
        'max-image-size': {
          type: 'string',
          value: 'QUANTITY',
          default: '64Gi',
          description: 'the largest image that is fetched',
        },
        'qemu-binary': {
          type: 'string',
          value: 'PROGRAM',
          default: 'qemu-system-x86_64',
          description: 'the QEMU that runs virtual machines',
        },
        network: {
          type: 'string',
          value: 'MODE',
          default: 'auto',
          description:
            "bridge: workloads get addresses of the node's range on a bridge that they share; none: the engine's network; auto: bridge where it can be",
        },
        'open-ports': {
          type: 'list',
          value: 'PORT,…',
          description:
            "ports of the machine itself that workloads on the bridge may reach, as 5432,53/udp (default: its name servers' alone)",
        },
        'cpu-factor': { type: 'string', value: 'X', default: '4', description: 'how many times the CPU may be promised' },
        cpus: { type: 'integer', value: 'N', description: 'how many cores the node has to give (default: those of the machine)' },
        memory: {
          type: 'string',
          value: 'QUANTITY',
          description: 'how much memory the node has, as 16Gi; less than the machine has (default: all of it)',
        },
        labels: { type: 'list', value: 'K=V,…', description: 'labels of the Node when it is registered' },
        'max-workloads': { type: 'integer', default: 110, description: 'how many workloads the node takes' },
        'lease-seconds': {
          type: 'integer',
          value: 'N',
          default: 40,
          description:
            'after how long without a sign of the agent its node is taken for silent, 4 to 40; four signs are given in that time',
        },
        'keep-processes': {
          type: 'boolean',
          description: 'let process tasks go on when the agent ends in order, as after SIGUSR2; containers always do',
        },
        'hollow-nodes': { type: 'integer', default: 0, description: 'further nodes that only pretend to run tasks, for tests of scale' },
        'hollow-kubeconfig': {
          type: 'string',
          value: 'FILE',
          description:
            "credentials that may act as every node (default: a cluster's admin.kubeconfig two folders above the data directory)",
        },
        'log-level': { type: 'string', value: 'LEVEL', default: 'info', description: logLevels.join(', ') },
      },
    },
    argv,
  )
  if (help !== undefined) return { help }
  if (operands.join(' ') !== '' && operands.join(' ') !== 'purge')
    throw new FlagError(`unexpected "${operands.join(' ')}"; see millrace-nodeagent --help`)
  const server = values.server
  if (server !== undefined && !/^https:\/\/[^/]+\/?$/.test(server))
    throw new FlagError(`--server takes an address such as https://10.0.0.1:6443, not ${server}`)
  if (!logLevels.includes(values['log-level'])) throw new FlagError(`--log-level takes one of ${logLevels.join(', ')}`)
  if (values['hollow-nodes'] < 0 || values['max-workloads'] < 1) throw new FlagError('--hollow-nodes and --max-workloads are counts')
  return {
    dataDirectory: values['data-dir'],
    workDirectory: values['work-dir'],
    nodeName: values['node-name'],
    server: server?.replace(/\/$/, ''),
    caFile: values['ca-file'],
    kubeconfig: values.kubeconfig,
    joinTokenFile: values['join-token-file'],
    backends: values.backends.map(readBackend),
    dockerSocket: values['docker-socket'].replace(/^unix:\/\//, ''),
    network: readNetwork(values.network),
    openPorts: (values['open-ports'] ?? []).map(readPort),
    imageDirectory: values['image-dir'],
    qemuBinary: values['qemu-binary'],
    imageRules: {
      networks: (values['image-networks'] ?? []).map(readPrefix),
      mostBytes: readAmount('max-image-size', values['max-image-size'], '64Gi'),
    },
    cpuFactor: readFactor(values['cpu-factor']),
    capacity: { cpus: readCpus(values.cpus), memoryBytes: readMemory(values.memory) },
    labels: Object.fromEntries((values.labels ?? []).map(readLabel)),
    maxWorkloads: values['max-workloads'],
    leaseSeconds: readLease(values['lease-seconds']),
    keepProcesses: values['keep-processes'] ?? false,
    hollowNodes: values['hollow-nodes'],
    hollowKubeconfig: values['hollow-kubeconfig'],
    logLevel: values['log-level'] as LogLevel,
    purge: operands.length > 0,
  }
}

function readBackend(name: string): BackendName {
  const known = backendNames.find((backend) => backend === name)
  if (!known) throw new FlagError(`there is no backend "${name}"; there are ${backendNames.join(', ')}`)
  return known
}

function readNetwork(name: string): NetworkChoice {
  const known = networkChoices.find((choice) => choice === name)
  if (!known) throw new FlagError(`--network takes one of ${networkChoices.join(', ')}, not ${name}`)
  return known
}

function readPort(text: string): NodePort {
  const [, digits, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(text) ?? []
  const port = Number(digits)
  if (!(port >= 1 && port <= 65_535)) throw new FlagError(`--open-ports takes ports such as 5432 or 53/udp, not "${text}"`)
  return { port, protocol: protocol === 'udp' ? 'udp' : 'tcp' }
}

function readFactor(text: string): number {
  const factor = Number(text)
  if (!(factor >= 1 && factor <= 100)) throw new FlagError(`--cpu-factor takes a number from 1 to 100, not ${text}`)
  return factor
}

function readCpus(cpus: number | undefined): number | undefined {
  if (cpus !== undefined && (cpus < 1 || cpus > 100_000)) throw new FlagError(`--cpus takes a number of cores, not ${cpus}`)
  return cpus
}

function readLease(seconds: number): number {
  if (seconds < 4 || seconds > 40) throw new FlagError(`--lease-seconds takes 4 to 40, not ${seconds}`)
  return seconds
}

const readMemory = (text: string | undefined) => (text === undefined ? undefined : readAmount('memory', text, '16Gi'))

function readAmount(flag: string, text: string, example: string): number {
  const bytes = tryParseQuantity(text)
  if (bytes === undefined || bytes < 1024 ** 2) throw new FlagError(`--${flag} takes an amount such as ${example}, not ${text}`)
  return bytes
}

function readPrefix(text: string): AddressPrefix {
  const prefix = parsePrefix(text)
  if (!prefix) throw new FlagError(`--image-networks takes networks such as 10.1.0.0/16, not ${text}`)
  return prefix
}

function readLabel(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new FlagError(`--labels takes KEY=VALUE, not "${text}"`)
  return [text.slice(0, at), text.slice(at + 1)]
}

/** The machine's name as the name of a Node. */
export function machineName(): string {
  const name = hostname()
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, '')
  return name || 'node-1'
}
