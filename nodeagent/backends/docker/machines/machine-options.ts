import type Docker from 'dockerode'
import { cpuMillis, memoryBytes } from '../../../../lib/api/quantity.js'
import { gpuName, nvidiaEnvironment } from '../../gpu-environment.js'
import type { DiskSource, MachineSpec } from '../../machine-backend.js'
import { labels, maxProcessesPerContainer } from '../containers/container-options.js'

/** Further labels of a machine's container. Those of a snapshot's image are inherited, so each is always set. */
export const machineLabels = {
  /** The snapshot that the disk was made of, and the request; empty: of an image. */
  restoredFrom: 'millrace.dev/restored-from',
  restoreRequest: 'millrace.dev/restore-request',
} as const

const uidPattern = /^[a-z0-9][a-z0-9-]{0,63}$/

/** The name of a machine's container. Throws on a uid that is no plain word. */
export function machineName(uid: string): string {
  if (!uidPattern.test(uid)) throw new Error(`not a uid that can name containers: ${JSON.stringify(uid)}`)
  return `millrace-vps-${uid}`
}

/** The container that a restore has made and that is to become the machine's. */
export const nextName = (uid: string) => `${machineName(uid)}.next`
/** The container that an image is looked into with; it is never started. */
export const probeName = (uid: string) => `${machineName(uid)}.probe`

export interface MachineContainer {
  readonly name: string
  readonly image: string
  readonly source: DiskSource
  readonly agent: string
  /** The engine's network, where the machine has no address of the node's. */
  readonly network: string
  readonly numaCpus?: string | undefined
  /** What it runs as its first process; undefined: what its image says. */
  readonly command: readonly string[] | undefined
}

/** The container of a machine: an allow-list. Nothing of a manifest reaches the engine but through a field named here. */
export function machineOptions(machine: MachineSpec, container: MachineContainer): Docker.ContainerCreateOptions {
  const { spec, address } = machine
  const { source, command, numaCpus } = container
  const restored = source.type === 'snapshot' ? source : undefined
  const published = (spec.ports ?? []).filter((port) => port.hostPort !== undefined)
  return {
    name: container.name,
    Image: container.image,
    Hostname: machine.name,
    ...(command ? { Entrypoint: [...command], Cmd: [] } : {}),
    Env: Object.entries(nvidiaEnvironment(machine.gpus)).map(([name, value]) => `${name}=${value}`),
    Labels: {
      [labels.agent]: container.agent,
      [labels.kind]: 'Vps',
      [labels.namespace]: machine.namespace,
      [labels.name]: machine.name,
      [labels.uid]: machine.uid,
      [machineLabels.restoredFrom]: restored?.name ?? '',
      [machineLabels.restoreRequest]: restored?.request ?? '',
    },
    ExposedPorts: Object.fromEntries(published.map((port) => [portKey(port), {}])),
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    ...(address ? { NetworkingConfig: { EndpointsConfig: { [address.bridge]: endpointOf(address) } } } : {}),
    HostConfig: {
      NetworkMode: address?.bridge ?? container.network,
      Privileged: spec.privileged,
      PortBindings: Object.fromEntries(published.map((port) => [portKey(port), [{ HostPort: String(port.hostPort) }]])),
      PidsLimit: maxProcessesPerContainer,
      RestartPolicy: { Name: 'no' },
      AutoRemove: false,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } },
      ...(machine.numaNode === undefined || numaCpus === undefined ? {} : { CpusetCpus: numaCpus, CpusetMems: String(machine.numaNode) }),
      ...(machine.gpus?.length
        ? { DeviceRequests: [{ Driver: 'nvidia', DeviceIDs: machine.gpus.map(gpuName), Capabilities: [['gpu']] }] }
        : {}),
      ...limitOptions(machine),
    },
  }
}

const endpointOf = ({ address, mac }: NonNullable<MachineSpec['address']>) => ({
  IPAMConfig: { IPv4Address: address },
  MacAddress: mac,
})

const portKey = ({ port, protocol }: { port: number; protocol: string }) => `${port}/${protocol.toLowerCase()}`

const cpuShareOfCore = 1024

/** CPU and memory, as a container is made and updated with. */
export function limitOptions({ spec }: Pick<MachineSpec, 'spec'>): {
  Memory?: number
  MemorySwap?: number
  NanoCpus?: number
  CpuShares?: number
} {
  const { limits, requests } = spec.resources ?? {}
  const memory = limits?.memory === undefined ? undefined : memoryBytes(limits.memory)
  const shares = requests?.cpu ?? limits?.cpu
  return {
    ...(memory === undefined ? {} : { Memory: memory, MemorySwap: memory }),
    ...(limits?.cpu === undefined ? {} : { NanoCpus: cpuMillis(limits.cpu) * nanoPerMilli }),
    ...(shares === undefined ? {} : { CpuShares: Math.max(2, Math.round((cpuMillis(shares) * cpuShareOfCore) / 1000)) }),
  }
}

export const nanoPerMilli = 1_000_000

/**
 * An engine takes no limit away from a container once it has one. So a limit that is none any more is one that no machine reaches: of
 * memory this much; of CPU all cores less one billionth, which no quantity asks for, since the least is a thousandth.
 */
export const unlimitedMemory = 2 ** 50
export const unlimitedNanoCpus = (cores: number) => cores * 1_000 * nanoPerMilli - 1
