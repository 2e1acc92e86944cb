import { type ConditionSchema, ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { ResourceListSchema } from './workload.js'

const TaintSchema = t.object({
  key: t.string().describe('The key of the taint.'),
  value: t.string().describe('Its value.').optional(),
  effect: t.oneOf('NoSchedule', 'PreferNoSchedule', 'NoExecute').describe('What happens to workloads that do not tolerate it.'),
  timeAdded: t.time().describe('When a NoExecute taint was added.').optional(),
})
export type Taint = Output<typeof TaintSchema>

const BackendStatusSchema = t.object({
  name: t.string().describe('docker, process, qemu, or hollow.'),
  available: t.boolean().describe('Whether it can run workloads now.'),
  version: t.string().describe('The version of what stands behind it.').optional(),
  isolation: t.oneOf('container', 'vm', 'user', 'none').describe('What keeps workloads apart.').optional(),
  limits: t.oneOf('enforced', 'watched', 'none').describe('Whether limits are enforced (cgroup) or only watched.').optional(),
  features: t.set(t.string()).describe('What the backend can do.').optional(),
  message: t.string().describe('Why it is not available.').optional(),
})

const GpuSchema = t.object({
  index: t.integer().describe('The index on the node.'),
  model: t.string().describe('The model.').optional(),
  uuid: t.string().describe("The device's uuid.").optional(),
  memory: t.quantity().describe('Its memory.').optional(),
  pciAddress: t.string().describe('Where it is on the PCI bus, as 0000:65:00.0.').optional(),
  numaNode: t.integer().describe('The NUMA node that it is attached to.').optional(),
  iommuGroup: t.integer().describe('What is given to a virtual machine together with it.').optional(),
})
const DisplayDeviceSchema = t.object({
  pciAddress: t.string().describe('Where it is on the PCI bus, as 0000:65:00.0.'),
  vendor: t.string().describe('The number of its maker, as 0x10de.').optional(),
  device: t.string().describe("Its maker's number of the model.").optional(),
  driver: t.string().describe('The driver that has it now, as vfio-pci.').optional(),
  numaNode: t.integer().describe('The NUMA node that it is attached to.').optional(),
  iommuGroup: t.integer().describe('What is given to a virtual machine together with it.').optional(),
})
const NumaNodeSchema = t.object({
  id: t.integer().describe('The number of the NUMA node.'),
  cpus: t.string().describe('Its CPUs, as 0-3,8-11.').optional(),
  memory: t.quantity().describe('Its memory.').optional(),
})

export const NodeSpecSchema = t.object({
  unschedulable: t.boolean().describe('Cordoned: no new workloads.').optional(),
  taints: t.list(TaintSchema).describe('What keeps workloads away that do not tolerate it.').optional(),
  podCIDR: t.string().describe("The range of the node's workload addresses.").optional(),
  podCIDRs: t.set(t.string()).describe("The ranges of the node's workload addresses.").optional(),
  providerID: t.string().describe('What a cloud calls the node.').optional(),
})

export const NodeStatusSchema = t.object({
  capacity: ResourceListSchema.describe('What the machine has.').optional(),
  allocatable: ResourceListSchema.describe('What workloads may ask for.').optional(),
  cpuFactor: t.number().describe('How many times the CPU may be promised; memory is never over-committed.').optional(),
  conditions: ConditionsSchema.optional(),
  addresses: t
    .listMap(
      ['type'],
      t.object({
        type: t.string().describe('Hostname or InternalIP.'),
        address: t.string().describe('The address.'),
      }),
    )
    .describe('How the node can be reached.')
    .optional(),
  backends: t.listMap(['name'], BackendStatusSchema).describe('What can run workloads.').optional(),
  isolation: t.oneOf('container', 'vm', 'user', 'none').describe('The weakest isolation among the available backends.').optional(),
  gpus: t
    .listMap(['index'], GpuSchema)
    .describe('Its GPUs that workloads can be given: millrace.dev/gpu of the capacity counts them.')
    .optional(),
  displayDevices: t
    .listMap(['pciAddress'], DisplayDeviceSchema)
    .describe('Every display controller of its PCI bus, usable or not: what is not among the GPUs lacks a driver, or is another sort.')
    .optional(),
  numa: t.listMap(['id'], NumaNodeSchema).describe('Its NUMA nodes.').optional(),
  images: t
    .list(
      t.object({
        names: t.set(t.string()).describe('Names of the image.'),
        sizeBytes: t.integer().describe('Its size in bytes.').optional(),
      }),
    )
    .describe('Images that are present.')
    .optional(),
  nodeInfo: t
    .object({
      architecture: t.string().describe('The architecture.'),
      bootID: t.string().describe('Changes at every boot.'),
      containerRuntimeVersion: t.string().describe('The container engine and its version.'),
      kernelVersion: t.string().describe('The kernel.'),
      kubeletVersion: t.string().describe("The agent's version."),
      kubeProxyVersion: t.string().describe('Not used.'),
      machineID: t.string().describe('Names the machine.'),
      operatingSystem: t.string().describe('linux.'),
      osImage: t.string().describe('The distribution.'),
      systemUUID: t.string().describe('Names the machine.'),
    })
    .describe('Facts about the machine and the agent.')
    .optional(),
})

/** The name of a Node is the name in its agent's certificate: `system:node:NAME`. */
export const Node = defineKind({
  group: '',
  version: 'v1',
  kind: 'Node',
  plural: 'nodes',
  shortNames: ['no'],
  scope: 'Cluster',
  description: 'A machine that runs workloads.',
  spec: NodeSpecSchema.default({}),
  status: NodeStatusSchema,
  subresources: ['status'],
  conditions: ['Ready', 'MemoryPressure', 'DiskPressure', 'BackendReady', 'NetworkReady'],
  columns: [
    { name: 'Status', jsonPath: '.status.conditions[?(@.type=="Ready")].status', description: 'Whether the agent reports.' },
    { name: 'Roles', jsonPath: '.metadata.labels.millrace\\.dev/role', description: 'The role label.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
    { name: 'Version', jsonPath: '.status.nodeInfo.kubeletVersion', description: "The agent's version." },
    { name: 'Internal-IP', jsonPath: '.status.addresses[?(@.type=="InternalIP")].address', priority: 1, description: 'The address.' },
    { name: 'OS-Image', jsonPath: '.status.nodeInfo.osImage', priority: 1, description: 'The distribution.' },
    { name: 'Kernel-Version', jsonPath: '.status.nodeInfo.kernelVersion', priority: 1, description: 'The kernel.' },
    { name: 'Container-Runtime', jsonPath: '.status.nodeInfo.containerRuntimeVersion', priority: 1, description: 'The container engine.' },
  ],
  selectable: ['spec.unschedulable'],
})
export type Node = Resource<typeof Node>
export type NodeManifest = Manifest<typeof Node>
export type NodeSpec = Output<typeof NodeSpecSchema>
export type NodeStatus = Output<typeof NodeStatusSchema>
export type NodeCondition = Output<typeof ConditionSchema>
