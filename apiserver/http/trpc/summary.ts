import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { Node } from '../../../lib/api/kinds/node.js'
import type { StoredObject } from '../../storage/store.js'
import type { ProcedureContext } from './app-router.js'
import { conditionOf } from './condition-of.js'
import { ReadableObjects, storedKinds } from './readable-objects.js'

export interface KindCount {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly resource: string
  readonly count: number
  /** By status.phase, for kinds that have one. */
  readonly phases?: Readonly<Record<string, number>>
}

export interface Summary {
  readonly revision: number
  /** Empty: the whole cluster. */
  readonly namespace: string
  readonly kinds: readonly KindCount[]
  /** Absent where the caller may not list nodes. */
  readonly nodes?: { readonly total: number; readonly ready: number; readonly notReady: number; readonly cordoned: number }
}

/** Counts what the caller may list. */
export async function summarize(context: ProcedureContext, { namespace }: { namespace: string }): Promise<Summary> {
  const { store, registry } = context.parts
  const objects = new ReadableObjects(context)
  const kinds: KindCount[] = []
  for (const kind of storedKinds(registry.kinds)) {
    if (kind.viewOf || (namespace !== '' && kind.scope === 'Cluster') || !objects.mayList(kind, namespace)) continue
    kinds.push(await countKind(context, kind, namespace))
  }
  const nodes = registry.kinds.find((kind) => kind.group === Node.group && kind.plural === Node.plural)
  const mayCountNodes = nodes !== undefined && objects.mayList(nodes, '')
  return { revision: store.revision, namespace, kinds, ...(mayCountNodes ? { nodes: countNodes(context) } : {}) }
}

async function countKind({ parts: { store } }: ProcedureContext, kind: Kind, namespace: string): Promise<KindCount> {
  const { group, version, plural: resource } = kind
  const of = { group, version, kind: kind.kind, resource }
  if (!kind.selectable.includes('status.phase') && namespace === '') return { ...of, count: store.count(group, resource) }
  const { objects } = store.list({ group, resource, ...(namespace === '' ? {} : { namespace }) })
  if (!kind.selectable.includes('status.phase')) return { ...of, count: objects.length }
  return { ...of, count: objects.length, phases: await countPhases(objects) }
}

async function countPhases(objects: readonly StoredObject[]): Promise<Record<string, number>> {
  const phases: Record<string, number> = {}
  for (const [index, { facets }] of objects.entries()) {
    const phase = facets.fields['status.phase'] || 'Unknown'
    phases[phase] = (phases[phase] ?? 0) + 1
    if (index % turnItems === turnItems - 1) await new Promise((resolve) => setImmediate(resolve))
  }
  return phases
}
const turnItems = 20_000

function countNodes({ parts: { store } }: ProcedureContext): NonNullable<Summary['nodes']> {
  const nodes = store
    .list({ group: Node.group, resource: Node.plural })
    .objects.map(({ bytes }) => JSON.parse(bytes.toString()) as KubeObject)
  const ready = nodes.filter((node) => conditionOf(node, 'Ready')?.status === 'True').length
  const cordoned = nodes.filter((node) => (node.spec as Node['spec'] | undefined)?.unschedulable).length
  return { total: nodes.length, ready, notReady: nodes.length - ready, cordoned }
}
