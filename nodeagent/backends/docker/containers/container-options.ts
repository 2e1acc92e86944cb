import type Docker from 'dockerode'
import { cpuMillis, memoryBytes } from '../../../../lib/api/quantity.js'
import type { RunSpec } from '../../backend.js'
import { gpuName, nvidiaEnvironment } from '../../gpu-environment.js'
import type { MachineAddress } from '../../machine-backend.js'
import { printRunKey } from '../../run-key.js'

/** Labels by which the agent finds its containers again. */
export const labels = {
  agent: 'millrace.dev/agent',
  kind: 'millrace.dev/kind',
  namespace: 'millrace.dev/namespace',
  name: 'millrace.dev/name',
  uid: 'millrace.dev/uid',
  attempt: 'millrace.dev/attempt',
  run: 'millrace.dev/run',
} as const

export const maxProcessesPerContainer = 4096
const cpuShareOfCore = 1024

/** The name says which run it is: a container that was made by an agent which then died is found, not made again. */
export function containerName(id: RunSpec['id']): string {
  return `millrace-${printRunKey(id)}`
}

/**
 * The container of a run: an allow-list. Nothing of a manifest reaches the engine but through a field named here, and paths go through
 * Mounts, where no character has a meaning (in Binds, ":" and "," have). `numaCpus`: those of the run's NUMA node.
 */
export function containerOptions(run: RunSpec, agent: string, network: string, numaCpus?: string): Docker.ContainerCreateOptions {
  const { spec, id } = run
  const limits = spec.resources?.limits
  const requests = spec.resources?.requests
  const memory = limits?.memory === undefined ? undefined : memoryBytes(limits.memory)
  const cpu = requests?.cpu ?? limits?.cpu
  const published = (spec.ports ?? []).filter((port) => port.hostPort !== undefined)
  return {
    name: containerName(id),
    Image: spec.image ?? '',
    ...(spec.command ? { Entrypoint: spec.command, Cmd: spec.args ?? [] } : spec.args ? { Cmd: spec.args } : {}),
    Env: Object.entries({ ...run.env, ...nvidiaEnvironment(run.gpus), MILLRACE_RUN: printRunKey(id) }).map(
      ([name, value]) => `${name}=${value}`,
    ),
    ...(spec.workingDir === undefined ? {} : { WorkingDir: spec.workingDir }),
    Labels: {
      [labels.agent]: agent,
      [labels.kind]: 'Task',
      [labels.namespace]: run.namespace,
      [labels.name]: run.name,
      [labels.uid]: id.uid,
      [labels.attempt]: String(id.attempt),
      [labels.run]: String(id.run),
    },
    ExposedPorts: Object.fromEntries(published.map((port) => [portKey(port), {}])),
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(run.address === undefined ? {} : { NetworkingConfig: endpointOf(run.address) }),
    HostConfig: {
      NetworkMode: run.address?.bridge ?? network,
      Privileged: spec.privileged,
      Mounts: run.mounts.map(({ source, target, readOnly }) => ({
        Type: 'bind' as const,
        Source: source,
        Target: target ?? '',
        ReadOnly: readOnly,
        BindOptions: { Propagation: 'rprivate' as const },
      })),
      PortBindings: Object.fromEntries(published.map((port) => [portKey(port), [{ HostPort: String(port.hostPort) }]])),
      PidsLimit: maxProcessesPerContainer,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } },
      ...(run.numaNode === undefined || numaCpus === undefined ? {} : { CpusetCpus: numaCpus, CpusetMems: String(run.numaNode) }),
      ...(run.gpus?.length ? { DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: run.gpus.map(gpuName), Capabilities: [['gpu']] }] } : {}),
      ...(memory === undefined ? {} : { Memory: memory, MemorySwap: memory }),
      ...(limits?.cpu === undefined ? {} : { NanoCpus: cpuMillis(limits.cpu) * 1_000_000 }),
      ...(cpu === undefined ? {} : { CpuShares: Math.max(2, Math.round((cpuMillis(cpu) * cpuShareOfCore) / 1000)) }),
    },
  }
}

/** On the network of the bridge, with the address that was claimed. */
export const endpointOf = ({ bridge, address }: Pick<MachineAddress, 'bridge' | 'address'>) => ({
  EndpointsConfig: { [bridge]: { IPAMConfig: { IPv4Address: address } } },
})

const portKey = ({ port, protocol }: { port: number; protocol: string }) => `${port}/${protocol.toLowerCase()}`
