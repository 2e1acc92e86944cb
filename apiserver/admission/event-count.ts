import { forbidden } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { Event } from '../../lib/api/kinds/event.js'
import { sourceHostField } from '../registry/strategies/event.js'
import type { Store, StoredObject } from '../storage/store.js'
import type { Admit } from './admit.js'

export interface EventBounds {
  readonly inNamespace: number
  /** With one `source.host`: of one node, which may name no other. */
  readonly fromHost: number
}

const defaultBounds: EventBounds = { inNamespace: 50_000, fromHost: 5_000 }

/**
 * Bounds how many Events there are, whatever their writers say about their age: a new one too many is refused with 403, and others go on.
 * Counted from the store's commits; what the same batch has decided does not count yet, so that a bound may be passed by less than a batch.
 */
export function admitEventCount(store: Pick<Store, 'list' | 'onCommit'>, bounds: EventBounds = defaultBounds): Admit {
  let counts: Counts | undefined
  store.onCommit(({ changes }) => {
    if (counts === undefined) return
    for (const { type, object, previous } of changes) {
      if (!isEvent(object)) continue
      if (previous) count(counts, previous, -1)
      if (type !== 'DELETED') count(counts, object, 1)
    }
  })
  const counted = () => {
    counts = { inNamespace: new Map(), fromHost: new Map() }
    for (const object of store.list({ group: Event.group, resource: Event.plural }).objects) count(counts, object, 1)
    return counts
  }
  return ({ operation, kind, namespace, name, object }) => {
    if (operation !== 'create' || kind.plural !== Event.plural || kind.group !== Event.group || !object) return
    const { inNamespace, fromHost } = counts ?? counted()
    const subject = { group: Event.group, resource: Event.plural, name }
    if ((inNamespace.get(namespace) ?? 0) >= bounds.inNamespace)
      throw forbidden(subject, `exceeded quota: the namespace ${namespace} holds ${bounds.inNamespace} events, which is all it may`)
    const host = hostOf(object)
    if (host !== '' && (fromHost.get(host) ?? 0) >= bounds.fromHost)
      throw forbidden(subject, `exceeded quota: there are ${bounds.fromHost} events from ${host}, which is all it may have`)
  }
}

interface Counts {
  readonly inNamespace: Map<string, number>
  readonly fromHost: Map<string, number>
}

function count({ inNamespace, fromHost }: Counts, { key, facets }: StoredObject, by: 1 | -1): void {
  add(inNamespace, key.namespace, by)
  const host = facets.fields[sourceHostField]
  if (host) add(fromHost, host, by)
}

function add(counts: Map<string, number>, name: string, by: number): void {
  const sum = (counts.get(name) ?? 0) + by
  if (sum <= 0) counts.delete(name)
  else counts.set(name, sum)
}

const isEvent = ({ key }: StoredObject) => key.resource === Event.plural && key.group === Event.group

const hostOf = (event: KubeObject) => (event as { source?: { host?: string } }).source?.host ?? ''
