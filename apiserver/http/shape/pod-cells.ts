import type { ContainerStatus, Pod } from '../../../lib/api/kinds/pod.js'
import { age } from './table.js'

/** The cells of a Pod as `kubectl get pods` is known to print them. */
export function podCells({ metadata, spec, status }: Pod, nowMs: number): Record<string, string> {
  const statuses = status?.containerStatuses ?? []
  const ready = statuses.filter((container) => container.ready && container.state?.running).length
  return {
    Ready: `${ready}/${spec.containers.length}`,
    Status: metadata.deletionTimestamp && !isOver(status) ? 'Terminating' : statusWord(status),
    Restarts: restarts(statuses, nowMs),
    IP: status?.podIP ?? none,
    Node: spec.nodeName ?? none,
    'Nominated Node': none,
    'Readiness Gates': none,
  }
}
const none = '<none>'

const isOver = (status: Pod['status']) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

/** What its container says of itself tells more than the phase. */
function statusWord(status: Pod['status']): string {
  const [container] = status?.containerStatuses ?? []
  const { waiting, terminated } = container?.state ?? {}
  if (waiting?.reason) return waiting.reason
  if (terminated) return terminated.reason || (terminated.signal ? `Signal:${terminated.signal}` : `ExitCode:${terminated.exitCode}`)
  return status?.reason ?? status?.phase ?? 'Unknown'
}

/** `3 (5m ago)`. */
function restarts(statuses: readonly ContainerStatus[], nowMs: number): string {
  const count = statuses.reduce((sum, { restartCount }) => sum + restartCount, 0)
  const last = statuses[0]?.lastState?.terminated?.finishedAt
  return count > 0 && last ? `${count} (${age(last, nowMs)} ago)` : String(count)
}
