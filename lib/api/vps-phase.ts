/**
 * The phase of a Vps in one word, derived from its conditions and from nothing else, so that whoever writes a
 * condition (scheduler, agent, node lifecycle) derives the same phase:
 *
 *     Running=False, reason Stopped  → Stopped: it is not to run, and does not; also before it was ever bound
 *     Scheduled not True             → Pending
 *     Running=Unknown                → Unknown: the node does not report
 *     Running=True                   → Running
 *     Running=False, reason Failed   → Failed: trying again cannot help; the message says what would
 *     else                           → Provisioning: image, disk, start, or the wait before it is started again
 */
import type { Condition } from './condition.js'
import type { VpsPhase } from './kinds/vps.js'

/** Reasons of the conditions that the node agent writes, by condition; of a step that failed, the reason of its failure besides. */
export const vpsReasons = {
  Accepted: ['Accepted', 'Refused', 'Unsupported', 'BackendUnavailable'],
  ImageReady: ['Present', 'Pulling', 'ImageNotFound', 'ImagePullFailed', 'InvalidImageName'],
  DiskReady: ['Made', 'Preparing', 'DiskLost', 'CreateFailed', 'SnapshotNotHere'],
  Running: [
    'Started',
    'StopFailed',
    'Stopped',
    'Stopping',
    'Preparing',
    'Restarting',
    'CrashLoopBackOff',
    'StartFailed',
    'PortTaken',
    'Failed',
    'NodeUnreachable',
  ],
  Ready: ['Started', 'Answers', 'Booting', 'NoSpace', 'NotRunning'],
  ResizePending: ['NextStart'],
  Restored: ['Restored', 'Restoring', 'SnapshotNotHere', 'RestoreFailed'],
} as const

export function vpsPhase(conditions: readonly Condition[] | undefined): VpsPhase {
  const of = (type: string) => conditions?.find((condition) => condition.type === type)
  const running = of('Running')
  if (running?.status === 'False' && running.reason === 'Stopped') return 'Stopped'
  if (of('Scheduled')?.status !== 'True') return 'Pending'
  if (running?.status === 'Unknown') return 'Unknown'
  if (running?.status === 'True') return 'Running'
  return running?.reason === 'Failed' ? 'Failed' : 'Provisioning'
}
