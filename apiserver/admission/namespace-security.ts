/**
 * The level of a namespace (its label `millrace.dev/security`) decides what its workloads may do to the node: only `privileged` admits
 * `privileged`, hostPath, a disk image that is a file of the node, and a backend that isolates nothing. All but the last are judged at
 * creation, the last when the node is known: at the binding, or at creation when the manifest names the node. The agent checks them again.
 */
import { forbidden, forbiddenField, type StatusCause } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { securityLabel } from '../../lib/api/kinds/namespace.js'
import type { NodeStatus } from '../../lib/api/kinds/node.js'
import { backendOf, type TaskSpec } from '../../lib/api/kinds/task.js'
import type { ReadView, StoredObject } from '../storage/store.js'
import type { Admit } from './admit.js'
import { levelOf } from './namespace-level.js'

type WorkloadSpec = Pick<TaskSpec, 'backend' | 'image' | 'nodeName' | 'privileged' | 'volumes'>

/** Judges workloads by the level of their namespace. A stored Node never changes, so each is parsed at most once. */
export function createNamespaceSecurity(): Admit {
  const known = new WeakMap<StoredObject, NodeStatus>()

  function isolationOf(view: ReadView, nodeName: string, backend: string): string {
    const node = view.get({ group: '', resource: 'nodes', namespace: '', name: nodeName })
    if (!node) return unreported(backend)
    const status = known.get(node) ?? ((JSON.parse(node.bytes.toString()) as KubeObject).status as NodeStatus | undefined) ?? {}
    known.set(node, status)
    return status.backends?.find(({ name }) => name === backend)?.isolation ?? status.isolation ?? unreported(backend)
  }

  return ({ operation, kind, namespace, name, object, view }) => {
    if (!kind.workload || !object || (operation !== 'create' && operation !== 'bind')) return
    const level = levelOf(namespace, view)
    if (level === 'privileged') return
    const spec = object.spec as WorkloadSpec
    const causes = operation === 'create' ? powerCauses(spec) : []
    const backend = backendOf(spec)
    if (spec.nodeName && isolationOf(view, spec.nodeName, backend) === 'none')
      causes.push(forbiddenField('spec.backend', `the backend ${backend} of node ${spec.nodeName} isolates nothing`))
    if (causes.length > 0) throw refusal(kind, namespace, name, level, causes)
  }
}

/** What a node that has said nothing yet is taken for: processes have the agent's own rights. */
const unreported = (backend: string) => (backend === 'process' ? 'none' : backend === 'qemu' ? 'vm' : 'container')

function powerCauses(spec: WorkloadSpec): StatusCause[] {
  const causes: StatusCause[] = []
  if (spec.privileged) causes.push(forbiddenField('spec.privileged', 'gives all rights on the node'))
  if (spec.image && /^file:/i.test(spec.image)) causes.push(forbiddenField('spec.image', 'reads a file of the node'))
  for (const [index, volume] of (spec.volumes ?? []).entries())
    if (volume.hostPath) causes.push(forbiddenField(`spec.volumes[${index}].hostPath`, 'gives access to the files of the node'))
  return causes
}

function refusal(kind: Kind, namespace: string, name: string, level: string, causes: readonly StatusCause[]) {
  const what = causes.map((cause) => `${cause.field}: ${cause.message}`).join(', ')
  const why = `violates the security level "${level}" of namespace ${namespace}: ${what}. The label ${securityLabel}=privileged on the namespace would admit it`
  return forbidden({ group: kind.group, resource: kind.plural, name }, why, causes)
}
