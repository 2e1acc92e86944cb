import { findCondition } from '../lib/api/condition.js'
import type { Kind } from '../lib/api/define-kind.js'
import { gpuRequestOf, gpuResource } from '../lib/api/gpus.js'
import { backendOf, type TaskSpec, type TaskStatus } from '../lib/api/kinds/task.js'
import type { VpsSpec, VpsStatus } from '../lib/api/kinds/vps.js'
import type { Toleration } from '../lib/api/kinds/workload.js'
import { printKey } from '../lib/api/object-key.js'
import type { ObjectMeta } from '../lib/api/object-meta.js'
import { parseTarget, type Target } from '../lib/api/target.js'
import { holdOf, promisedAmounts } from '../lib/api/workload-promise.js'
import { compileTerm, compileTerms, type TermTest } from './node-terms.js'

/** What the scheduler reads of any workload kind: the placement fields are declared once for all, see lib/api/kinds/workload.ts. */
export interface WorkloadObject {
  readonly metadata: ObjectMeta
  readonly spec: Pick<
    TaskSpec,
    'nodeName' | 'nodeSelector' | 'affinity' | 'tolerations' | 'target' | 'priority' | 'resources' | 'ports' | 'backend' | 'image'
  > &
    Partial<Pick<VpsSpec, 'running' | 'addressClaim'>>
  readonly status?:
    | (Pick<TaskStatus, 'conditions' | 'gpus'> & { readonly phase?: string | undefined; readonly resources?: VpsStatus['resources'] })
    | undefined
}

/** A workload as the scheduler thinks of it: parsed once per change of the object, with numbers for what is added and compared. */
export interface Workload {
  readonly key: string
  readonly kind: Kind
  readonly namespace: string
  readonly name: string
  readonly uid: string
  /** Counts changes of the spec. */
  readonly generation: number
  readonly priority: number
  /** The node that the API binds it to. */
  readonly nodeName: string | undefined
  /** Whether it ended: then it holds nothing, and is not scheduled. */
  readonly finished: boolean
  /** A stopped Vps: it keeps what it has of its node but CPU and memory, and is not scheduled before it is to run. */
  readonly stopped: boolean
  readonly deleting: boolean
  /** Thousandths of a core. */
  readonly cpu: number
  /** Bytes. */
  readonly memory: number
  /** Everything else that it asks for, pieces by name. */
  readonly extended: readonly (readonly [name: string, amount: number])[]
  /** Ports of the node that it takes: `8080/TCP`. */
  readonly hostPorts: readonly string[]
  readonly nodeSelector: readonly (readonly [key: string, value: string])[]
  readonly requiredAffinity: TermTest | undefined
  readonly preferredAffinity: readonly { readonly weight: number; readonly matches: TermTest }[]
  readonly tolerations: readonly Toleration[]
  /** `invalid`: spec.target is no target. */
  readonly target: Target | 'invalid' | undefined
  readonly targetText: string
  /** Indexes of the GPUs that it has on its node; before that is decided, those that its target names. */
  readonly gpus: readonly number[]
  /** The name of the IPClaim, in its namespace, whose address it is to have. */
  readonly addressClaim: string | undefined
  readonly backend: string
  readonly image: string | undefined
  /** Workloads of one group are spread over the nodes: the uid of the controlling owner. */
  readonly spreadGroup: string | undefined
  /** The message of its Scheduled condition while that is False. */
  readonly refusal: string | undefined
}

/** Reads a workload object of any kind that is marked `workload`. */
export function readWorkload(kind: Kind, object: WorkloadObject): Workload {
  const { metadata, spec } = object
  const backend = backendOf(spec)
  const namespace = metadata.namespace ?? ''
  const target = spec.target === undefined ? undefined : (parseTarget(spec.target) ?? 'invalid')
  const hold = holdOf(object)
  const { cpu = 0, memory = 0, ...others }: Record<string, number> = promisedAmounts(object)
  const gpus = gpuRequestOf(spec)
  if (gpus.count > 0) others[gpuResource] = gpus.count
  const nodeAffinity = spec.affinity?.nodeAffinity
  const required = nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  const scheduled = findCondition(object, 'Scheduled')
  return {
    key: printKey({ group: kind.group, resource: kind.plural, namespace, name: metadata.name }),
    kind,
    namespace,
    name: metadata.name,
    uid: metadata.uid,
    generation: metadata.generation ?? 0,
    priority: spec.priority,
    nodeName: spec.nodeName || undefined,
    finished: hold === 'nothing',
    stopped: hold === 'place',
    deleting: metadata.deletionTimestamp != null,
    cpu,
    memory,
    extended: Object.entries(others).filter(([, amount]) => amount > 0),
    hostPorts: hostPortsOf(spec, backend),
    nodeSelector: Object.entries(spec.nodeSelector ?? {}),
    requiredAffinity: required && compileTerms(required.nodeSelectorTerms),
    preferredAffinity: (nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ weight, preference }) => ({
      weight,
      matches: compileTerm(preference),
    })),
    tolerations: spec.tolerations ?? [],
    target,
    targetText: spec.target ?? '',
    gpus: object.status?.gpus ?? gpus.named,
    addressClaim: spec.addressClaim,
    backend,
    image: spec.image,
    spreadGroup: metadata.ownerReferences?.find((owner) => owner.controller)?.uid,
    refusal: scheduled?.status === 'False' ? scheduled.message : undefined,
  }
}

/** Whether it waits for a node. */
export const isWaiting = (workload: Workload): boolean =>
  workload.nodeName === undefined && !workload.finished && !workload.stopped && !workload.deleting

/** A process listens on the node itself, so each of its ports is one of the node's. */
function hostPortsOf(spec: WorkloadObject['spec'], backend: string): string[] {
  return (spec.ports ?? []).flatMap(({ port, hostPort, protocol }) => {
    const taken = hostPort ?? (backend === 'process' ? port : undefined)
    return taken === undefined ? [] : [`${taken}/${protocol}`]
  })
}
