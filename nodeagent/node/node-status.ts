import { type Condition, withCondition } from '../../lib/api/condition.js'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import type { BackendFeature, BackendInfo } from '../backends/backend.js'
import type { NetworkCondition } from '../network/node-network.js'
import type { MachineFacts } from './machine-facts.js'

/** What changes while the agent runs. */
export interface NodeObservation {
  readonly backends: readonly ({ readonly name: string; readonly features: ReadonlySet<BackendFeature> } & BackendInfo)[]
  readonly freeMemoryBytes: number
  readonly freeDiskBytes: number
  /** What is said of the network, if anything. */
  readonly network?: NetworkCondition | undefined
}

export interface NodeSettings {
  readonly cpuFactor: number
  readonly maxWorkloads: number
  readonly version: string
}

/** Kept for the machine and the agent: a tenth of the memory, at most this. */
const maxReservedBytes = 512 * 1024 ** 2
/** Less than these shares free is pressure. */
const memoryPressureShare = 0.05
const diskPressureShare = 0.05
const weakestFirst = ['none', 'user', 'container', 'vm'] as const

/** The status of the agent's Node: pure, from what the machine has and what was last seen of it. Conditions of others are kept. */
export function nodeStatus(
  before: NodeStatus | undefined,
  facts: MachineFacts,
  seen: NodeObservation,
  settings: NodeSettings,
  nowMs: number,
): NodeStatus {
  const reserved = Math.min(maxReservedBytes, facts.memoryBytes / 10)
  const capacity = {
    cpu: String(facts.cpus),
    memory: kibibytes(facts.memoryBytes),
    'ephemeral-storage': kibibytes(facts.diskBytes),
    pods: String(settings.maxWorkloads),
    ...(facts.gpus.length > 0 ? { 'millrace.dev/gpu': String(facts.gpus.length) } : {}),
  }
  const available = seen.backends.filter((backend) => backend.available)
  const weakest = weakestFirst.find((isolation) => available.some((backend) => backend.isolation === isolation))
  const engine = available.find(({ name }) => name === 'docker')
  return {
    ...before,
    capacity,
    allocatable: { ...capacity, memory: kibibytes(facts.memoryBytes - reserved) },
    cpuFactor: settings.cpuFactor,
    conditions: conditionsOf(before?.conditions, facts, seen, nowMs),
    addresses: [...facts.addresses.map((address) => ({ type: 'InternalIP', address })), { type: 'Hostname', address: facts.hostname }],
    backends: seen.backends.map(({ name, features, available, version, isolation, limits, message }) => ({
      name,
      available,
      isolation,
      limits,
      features: [...features].sort(),
      ...(version === undefined ? {} : { version }),
      ...(message === undefined ? {} : { message }),
    })),
    ...(weakest ? { isolation: weakest } : {}),
    gpus: [...facts.gpus],
    displayDevices: [...facts.displayDevices],
    numa: [...facts.numa],
    images: seen.backends.flatMap(({ images = [] }) => images.map(({ names, sizeBytes }) => ({ names: [...names], sizeBytes }))),
    nodeInfo: {
      architecture: facts.architecture,
      bootID: facts.bootId,
      containerRuntimeVersion: engine ? `docker://${engine.version}` : `millrace://${settings.version}`,
      kernelVersion: facts.kernel,
      kubeletVersion: settings.version,
      kubeProxyVersion: '',
      machineID: facts.machineId,
      operatingSystem: 'linux',
      osImage: facts.osImage,
      systemUUID: facts.machineId,
    },
  }
}

function conditionsOf(before: readonly Condition[] | undefined, facts: MachineFacts, seen: NodeObservation, nowMs: number): Condition[] {
  const missing = seen.backends.filter(({ available }) => !available)
  const lacksMemory = seen.freeMemoryBytes < facts.memoryBytes * memoryPressureShare
  const lacksDisk = seen.freeDiskBytes < facts.diskBytes * diskPressureShare
  const works = missing.length < seen.backends.length
  const said: Pick<Condition, 'type' | 'status' | 'reason' | 'message'>[] = [
    lacksMemory
      ? { type: 'MemoryPressure', status: 'True', reason: 'LittleMemory', message: 'less than 5 % of the memory is free' }
      : { type: 'MemoryPressure', status: 'False', reason: 'EnoughMemory', message: 'there is enough free memory' },
    lacksDisk
      ? { type: 'DiskPressure', status: 'True', reason: 'LittleDisk', message: 'less than 5 % of the disk is free' }
      : { type: 'DiskPressure', status: 'False', reason: 'EnoughDisk', message: 'there is enough free disk space' },
    missing.length === 0
      ? { type: 'BackendReady', status: 'True', reason: 'AllAvailable', message: 'every backend can run workloads' }
      : {
          type: 'BackendReady',
          status: 'False',
          reason: 'Unavailable',
          message: missing.map(({ name, message }) => `${name}: ${message ?? 'not available'}`).join('; '),
        },
    ...(seen.network ? [seen.network] : []),
    works
      ? { type: 'Ready', status: 'True', reason: 'AgentReady', message: 'the agent reports' }
      : { type: 'Ready', status: 'False', reason: 'NoBackend', message: 'no backend can run workloads' },
  ]
  let conditions: readonly Condition[] = before ?? []
  for (const condition of said) conditions = withCondition(conditions, condition, nowMs)
  return [...conditions]
}

const kibibytes = (bytes: number) => `${Math.floor(bytes / 1024)}Ki`
