import { containerAnnotation, containerNameOf } from '../../lib/api/container-name.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { Node } from '../../lib/api/kinds/node.js'
import { NodeMetrics } from '../../lib/api/kinds/node-metrics.js'
import { vpsPodPrefix } from '../../lib/api/kinds/pod.js'
import type { PodMetrics } from '../../lib/api/kinds/pod-metrics.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { NodeStats } from '../../lib/api/node-stats.js'
import type { StatsQuestion } from '../http/server-parts.js'
import type { Store, StoredObject } from '../storage/store.js'
import { printMachine, printUsage, printWindow } from './print-usage.js'

/** What a measurement is of: the object that is stored, under the name and in the resource of its measurement. */
export interface MeasuredSubject {
  /** A measurement that says nothing yet: selectors find it as they find stored objects. */
  readonly blank: StoredObject
  readonly node: string
  readonly question: StatsQuestion
  /** The fields of the measurement beside kind and metadata; undefined when the agent says nothing of this one. */
  readonly read: (stats: NodeStats) => object | undefined
}

/** Everything that a kind could measure, in one namespace or in all. `name`: that one alone. */
export function subjectsOf(store: Pick<Store, 'get' | 'list'>, kind: Kind, namespace: string, name: string): MeasuredSubject[] {
  if (kind.plural === NodeMetrics.plural) return find(store, Node, '', name).map((node) => nodeSubject(kind, node))
  const [taskName, vpsName] = name.startsWith(vpsPodPrefix) ? [undefined, name.slice(vpsPodPrefix.length)] : [name, name && undefined]
  const tasks = taskName === undefined ? [] : find(store, Task, namespace, taskName)
  const vpses = vpsName === undefined ? [] : find(store, Vps, namespace, vpsName)
  return [...tasks.map((task) => podSubject(kind, 'Task', task)), ...vpses.map((vps) => podSubject(kind, 'Vps', vps))].filter(
    (subject) => subject !== undefined,
  )
}

function find(
  store: Pick<Store, 'get' | 'list'>,
  { group, plural: resource }: { readonly group: string; readonly plural: string },
  namespace: string,
  name: string,
): readonly StoredObject[] {
  if (name === '') return store.list({ group, resource, ...(namespace === '' ? {} : { namespace }) }).objects
  const stored = store.get({ group, resource, namespace, name })
  return stored ? [stored] : []
}

function nodeSubject(kind: Kind, stored: StoredObject): MeasuredSubject {
  return {
    blank: blankOf(kind, stored, stored.key.name),
    node: stored.key.name,
    question: { of: 'machine' },
    read: ({ machine }) => machine && printMachine(machine),
  }
}

/** Undefined for what surely does not run. */
function podSubject(kind: Kind, of: 'Task' | 'Vps', stored: StoredObject): MeasuredSubject | undefined {
  const { fields } = stored.facets
  const node = fields['spec.nodeName']
  if (!node || idlePhases.has(fields['status.phase'] ?? '')) return undefined
  const { namespace, name } = stored.key
  return {
    blank: blankOf(kind, stored, of === 'Vps' ? `${vpsPodPrefix}${name}` : name),
    node,
    question: { of: 'workload', kind: of, namespace, name, uid: stored.uid, attempt: attemptOf(stored) },
    read({ workloads }) {
      const own = workloads.filter(({ kind: said, uid }) => said === of && uid === stored.uid)
      const newest = own.reduce<(typeof own)[number] | undefined>((a, b) => (a && a.attempt >= b.attempt ? a : b), undefined)
      if (!newest) return undefined
      const containers: PodMetrics['containers'] = [{ name: containerOf(stored), usage: printUsage(newest) }]
      return { window: printWindow(newest), containers }
    },
  }
}
const idlePhases: ReadonlySet<string> = new Set(['', 'Pending', 'Succeeded', 'Failed', 'Stopped'])

/** Few objects need to be parsed to know these. */
const parse = (stored: StoredObject) => JSON.parse(stored.bytes.toString()) as KubeObject & { status?: { attempt?: number } }
const attemptOf = (stored: StoredObject) => (stored.bytes.includes(attemptText) ? (parse(stored).status?.attempt ?? 0) : 0)
const attemptText = Buffer.from('"attempt":')
const containerOf = (stored: StoredObject) => containerNameOf(stored.bytes.includes(containerText) ? parse(stored).metadata : {})
const containerText = Buffer.from(`"${containerAnnotation}"`)

function blankOf({ group, plural }: Kind, stored: StoredObject, name: string): StoredObject {
  const { key, facets } = stored
  return {
    ...stored,
    key: { group, resource: plural, namespace: key.namespace, name },
    bytes: Buffer.alloc(0),
    facets: { labels: facets.labels, fields: {}, owners: [], claims: [] },
  }
}

/** The measurement as it is sent. */
export function measurementOf({ kind, apiVersion }: Kind, { blank }: MeasuredSubject, said: object, timestamp: string): StoredObject {
  const { namespace, name } = blank.key
  const { labels } = blank.facets
  const metadata = {
    name,
    ...(namespace === '' ? {} : { namespace }),
    creationTimestamp: timestamp,
    ...(Object.keys(labels).length > 0 ? { labels } : {}),
  }
  return { ...blank, bytes: Buffer.from(JSON.stringify({ kind, apiVersion, metadata, timestamp, ...said })) }
}
