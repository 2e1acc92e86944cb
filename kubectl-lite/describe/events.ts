import type { KubeObject } from '../../lib/api/define-kind.js'
import { printFieldSelector } from '../../lib/api/field-selector.js'
import type { Event } from '../../lib/api/kinds/event.js'
import { shortDuration } from '../../lib/api/short-duration.js'
import type { Cluster } from '../cluster/cluster.js'
import { listObjects } from '../cluster/objects.js'
import { alignColumns } from '../print/align-columns.js'
import { escapeControls } from '../print/table.js'

/** What programs reported about an object, oldest first. */
export async function readEvents(cluster: Cluster, object: KubeObject): Promise<Event[]> {
  const { namespace, uid, name } = object.metadata
  const resource = await cluster.discovery.findOne('events')
  const about = { 'involvedObject.uid': uid, 'involvedObject.name': name }
  const fieldSelector = printFieldSelector(Object.entries(about).map(([path, value]) => ({ path, operator: '=', value })))
  // Events about cluster-scoped objects lie in the default namespace.
  const { items } = await listObjects(cluster.client, resource, { namespace: namespace ?? 'default', fieldSelector })
  return (items as unknown as Event[]).toSorted(byTime)
}

export function printEvents(events: readonly Event[], nowMs: number): string {
  if (events.length === 0) return 'Events:  <none>\n'
  const age = (time: string): string => (time === '' ? '<unknown>' : shortDuration(nowMs - Date.parse(time)))
  const rows = events.map((event) => {
    const count = event.count ?? 1
    const first = event.firstTimestamp ?? event.eventTime ?? ''
    return [
      `  ${event.type ?? ''}`,
      event.reason ?? '',
      count > 1 ? `${age(lastSeen(event))} (x${count} over ${age(first)})` : age(lastSeen(event)),
      event.source?.component ?? event.reportingComponent ?? '',
      escapeControls((event.message ?? '').trim()),
    ]
  })
  return `Events:\n${alignColumns([['  Type', 'Reason', 'Age', 'From', 'Message'], ['  ----', '------', '---', '----', '-------'], ...rows])}`
}

/** Times have whole seconds; within one, the order in which they were written. */
function byTime(left: Event, right: Event): number {
  const [leftTime, rightTime] = [lastSeen(left), lastSeen(right)]
  if (leftTime !== rightTime) return leftTime < rightTime ? -1 : 1
  return Number(left.metadata.resourceVersion) - Number(right.metadata.resourceVersion)
}

function lastSeen(event: Event): string {
  return event.lastTimestamp ?? event.series?.lastObservedTime ?? event.eventTime ?? event.metadata.creationTimestamp
}
