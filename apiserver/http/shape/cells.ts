import { isConditionTrue } from '../../../lib/api/condition.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { CronTask } from '../../../lib/api/kinds/cron-task.js'
import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import type { Event } from '../../../lib/api/kinds/event.js'
import type { Node } from '../../../lib/api/kinds/node.js'
import type { Pod } from '../../../lib/api/kinds/pod.js'
import type { PodDisruptionBudget } from '../../../lib/api/kinds/pod-disruption-budget.js'
import type { ReplicaSet } from '../../../lib/api/kinds/replica-set.js'
import type { RoleBinding } from '../../../lib/api/kinds/role-binding.js'
import type { Task } from '../../../lib/api/kinds/task.js'
import type { VpsSnapshot } from '../../../lib/api/kinds/vps-snapshot.js'
import { printBytes } from '../../../lib/api/quantity.js'
import { podCells } from './pod-cells.js'
import { deploymentCells, replicaSetCells } from './replica-cells.js'
import { age, type Cell } from './table.js'

/** Cells by column name that a JSONPath cannot say; the other columns come from the declaration. */
export function specialCells(kind: Kind, object: KubeObject, nowMs: number): Readonly<Record<string, Cell>> {
  return printers[`${kind.group}/${kind.plural}`]?.(object, nowMs) ?? none
}
const none = {}

const printers: Readonly<Record<string, (object: KubeObject, nowMs: number) => Readonly<Record<string, Cell>>>> = {
  '/nodes': (object) => ({ Status: nodeStatus(object as unknown as Node), Roles: roles(object) }),
  '/pods': (object, nowMs) => podCells(object as unknown as Pod, nowMs),
  '/events': (object, nowMs) => eventCells(object as unknown as Event, nowMs),
  'apps/deployments': (object) => deploymentCells(object as unknown as Deployment),
  'apps/replicasets': (object) => replicaSetCells(object as unknown as ReplicaSet),
  '/configmaps': ({ data, binaryData }) => ({ Data: countKeys(data) + countKeys(binaryData) }),
  '/secrets': ({ data }) => ({ Data: countKeys(data) }),
  'millrace.dev/tasks': (object) => phaseCells(object, isOver(object as unknown as Task)),
  'millrace.dev/vpses': (object) => phaseCells(object, false),
  'millrace.dev/crontasks': (object, nowMs) => cronTaskCells(object as unknown as CronTask, nowMs),
  'millrace.dev/vpssnapshots': (object) => snapshotCells(object as unknown as VpsSnapshot),
  'policy/poddisruptionbudgets': (object) => budgetCells(object as unknown as PodDisruptionBudget),
  'rbac.authorization.k8s.io/rolebindings': bindingCells,
  'rbac.authorization.k8s.io/clusterrolebindings': bindingCells,
}

const countKeys = (values: unknown) => Object.keys(values ?? {}).length

/** `Ready`, `NotReady`, `Unknown`, with `,SchedulingDisabled` for a cordoned node. */
function nodeStatus(node: Node): string {
  const known = node.status?.conditions?.some((condition) => condition.type === 'Ready')
  const ready = known ? (isConditionTrue(node, 'Ready') ? 'Ready' : 'NotReady') : 'Unknown'
  return node.spec.unschedulable ? `${ready},SchedulingDisabled` : ready
}

const rolePrefix = 'node-role.kubernetes.io/'

function roles(object: KubeObject): string {
  const labels = object.metadata.labels ?? {}
  const named = Object.keys(labels).filter((label) => label.startsWith(rolePrefix) && label.length > rolePrefix.length)
  const own = labels['millrace.dev/role']
  const all = [...named.map((label) => label.slice(rolePrefix.length)), ...(own ? [own] : [])].sort()
  return all.length > 0 ? all.join(',') : '<none>'
}

/** `12s`, or `12s (x3 over 5m)` when it recurred; the object as kind/name. */
function eventCells(event: Event, nowMs: number): Record<string, string> {
  const first = event.firstTimestamp ?? event.eventTime ?? event.metadata.creationTimestamp
  const last = event.series?.lastObservedTime ?? event.lastTimestamp ?? first
  const count = event.series?.count ?? event.count ?? 1
  const seen = count > 1 ? `${age(last, nowMs)} (x${count} over ${age(first, nowMs)})` : age(last, nowMs)
  const { kind = '', name = '' } = event.involvedObject
  return { 'Last Seen': seen, Object: `${kind.toLowerCase()}/${name}` }
}

/** What is being deleted says so, as clients know it of Pods, unless it has ended. */
const phaseCells = ({ metadata }: KubeObject, isOver: boolean): Readonly<Record<string, Cell>> =>
  metadata.deletionTimestamp !== undefined && !isOver ? leaving : none
const leaving = { Phase: 'Terminating' }

const isOver = ({ status }: Task) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

function cronTaskCells({ status }: CronTask, nowMs: number): Record<string, Cell> {
  const last = status?.lastScheduleTime
  return { Active: status?.active?.length ?? 0, 'Last Schedule': last === undefined ? '<none>' : age(last, nowMs) }
}

const snapshotCells = ({ status }: VpsSnapshot): Record<string, Cell> =>
  status?.sizeBytes === undefined ? {} : { Size: printBytes(status.sizeBytes) }

/** What a budget does not say is not said by a blank. */
function budgetCells({ spec, status }: PodDisruptionBudget): Record<string, Cell> {
  const { minAvailable = 'N/A', maxUnavailable = 'N/A' } = spec
  return {
    'Min Available': String(minAvailable),
    'Max Unavailable': String(maxUnavailable),
    'Allowed Disruptions': status?.disruptionsAllowed ?? 0,
  }
}

/** The role as `KIND/NAME`; all the subjects of a kind in one cell. */
function bindingCells(object: KubeObject): Record<string, string> {
  const { roleRef, subjects = [] } = object as unknown as RoleBinding
  const named = (kind: string) =>
    subjects.filter((subject) => subject.kind === kind).map(({ name, namespace }) => (namespace ? `${namespace}/${name}` : name))
  return {
    Role: `${roleRef.kind}/${roleRef.name}`,
    Users: named('User').join(', '),
    Groups: named('Group').join(', '),
    ServiceAccounts: named('ServiceAccount').join(', '),
  }
}
