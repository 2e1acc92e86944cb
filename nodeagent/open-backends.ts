import type { Logger } from '../lib/base/log.js'
import type { AgentFlags } from './agent-flags.js'
import type { Backend } from './backends/backend.js'
import { openCgroups } from './backends/cgroups/cgroups.js'
import { BridgedContainers } from './backends/docker/containers/bridged-containers.js'
import { DockerBackend } from './backends/docker/docker-backend.js'
import { DockerMachines } from './backends/docker/machines/docker-machines.js'
import type { MachineBackend } from './backends/machine-backend.js'
import { ProcessBackend } from './backends/process/process-backend.js'
import { QemuMachines } from './backends/qemu/machines/qemu-machines.js'
import { QemuBackend } from './backends/qemu/qemu-backend.js'
import { openGuestFence } from './network/guest-fence.js'
import { tapPort } from './network/network-names.js'
import type { NodeNetwork } from './network/node-network.js'
import type { MachineFacts } from './node/machine-facts.js'
import type { WorkloadUsers } from './users/workload-users.js'
import { version } from './version.js'

export interface BackendPlaces {
  /** Where the process backend keeps its records. */
  readonly runs: string
  /** Where the qemu backend keeps its own. */
  readonly microvms: string
  /** Where images of virtual machines are, unless the flags say it. */
  readonly images: string
  /** Names the agent: other agents' containers are not its own. */
  readonly identity: string
  readonly asRoot: boolean
  /** Whom workloads run as; undefined: as the agent's user. */
  readonly users: WorkloadUsers | undefined
  /** Where programs are found. */
  readonly searchPath: string
}

/** Where an agent that is root counts what its workloads use. */
async function cgroupsOf({ backends }: Pick<AgentFlags, 'backends'>, { asRoot }: Pick<BackendPlaces, 'asRoot'>) {
  return asRoot && backends.some((name) => name !== 'docker') ? await openCgroups() : undefined
}

/** The backends that the flags name. */
export async function openBackends(
  flags: Pick<AgentFlags, 'backends' | 'dockerSocket' | 'imageDirectory' | 'qemuBinary'>,
  at: BackendPlaces,
): Promise<Backend[]> {
  const common = { separateUsers: at.users !== undefined, cgroups: await cgroupsOf(flags, at), searchPath: at.searchPath }
  const open = {
    docker: () => DockerBackend.open({ socketPath: flags.dockerSocket, agent: at.identity }),
    process: () => ProcessBackend.open({ ...common, directory: at.runs, version }),
    qemu: () =>
      QemuBackend.open({
        ...common,
        fence: openGuestFence(at.searchPath),
        directory: at.microvms,
        imageDirectory: flags.imageDirectory ?? at.images,
        binary: flags.qemuBinary,
      }),
  } as const satisfies Record<AgentFlags['backends'][number], () => Promise<Backend>>
  const backends: Backend[] = []
  for (const name of flags.backends) backends.push(await open[name]())
  return backends
}

export interface MachinePlaces {
  /** The agent's data directory. */
  readonly data: string
  readonly dockerSnapshots: string
  /** Where images of virtual machines are, unless the flags say it. */
  readonly images: string
  readonly identity: string
  readonly asRoot: boolean
  readonly users: WorkloadUsers | undefined
  readonly searchPath: string
  readonly network: NodeNetwork
  readonly gpus: MachineFacts['gpus']
  readonly log: Logger
}

/** The backends that keep machines, of those that the flags name. */
export async function openMachineBackends(
  flags: Pick<AgentFlags, 'backends' | 'dockerSocket' | 'imageDirectory' | 'imageRules' | 'qemuBinary'>,
  at: MachinePlaces,
): Promise<MachineBackend[]> {
  const { network } = at
  const cgroups = await cgroupsOf(flags, at)
  const backends: MachineBackend[] = []
  for (const name of flags.backends) {
    if (name === 'docker') {
      const engine = { socketPath: flags.dockerSocket, agent: at.identity }
      backends.push(await DockerMachines.open({ ...engine, directory: at.dockerSnapshots }))
      const containers = await BridgedContainers.open(engine)
      network.follow((...asked) => containers.ports(...asked))
    }
    if (name === 'qemu') {
      const machines = await QemuMachines.open({
        users: at.users?.machines,
        cgroups,
        searchPath: at.searchPath,
        fence: openGuestFence(at.searchPath),
        log: at.log,
        directory: at.data,
        imageDirectory: flags.imageDirectory ?? at.images,
        imageRules: flags.imageRules,
        binary: flags.qemuBinary,
        addTap: network.addTap.bind(network),
        removeTap: (uid, signal) => network.removeTap(uid, signal),
        pciAddressOf: ({ index }) => at.gpus.find((gpu) => gpu.index === index)?.pciAddress,
      })
      backends.push(machines)
      network.follow(async (_bridge, _findPort, signal) => {
        const observed = await machines.observeMachines(signal)
        return { ports: observed.flatMap(({ uid, address }) => (address === undefined ? [] : [tapPort(uid, address)])), lost: 0 }
      })
    }
  }
  return backends
}
