/**
 * Takes and removes the snapshots that lie on this node, as the VpsSnapshots that are bound to it say. Snapshots outlive their machines.
 */
import { findCondition } from '../../lib/api/condition.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { nodeCleanupFinalizer } from '../../lib/api/kinds/workload.js'
import { timestamp } from '../../lib/base/clock.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { Draft, ReconcileContext } from '../../lib/controller/reconcile-context.js'
import type { AgentParts } from '../agent-parts.js'
import { BackendError } from '../backends/backend.js'
import { describeFailure } from '../steps/step-error.js'

/** A copy of a large disk takes its time. */
const longestCopyMs = 3_600_000
/** Whether a snapshot that is ready is still there is asked this often. */
const lookAgain = '10m'

export function snapshotKeeper({ nodeName, machines }: Pick<AgentParts, 'nodeName' | 'machines'>): Controller {
  const backendOf = ({ status }: Draft<typeof VpsSnapshot>) => {
    const backend = machines.get(status.backend ?? '')
    if (!backend)
      throw new BackendError('BackendUnavailable', `the node has no backend "${status.backend}"; its agent was started without it`, true)
    return backend
  }

  return controller({
    name: 'snapshot-keeper',
    for: VpsSnapshot,
    fieldSelector: `spec.nodeName=${nodeName}`,
    finalizer: nodeCleanupFinalizer,
    // Copies read and write the whole disk: two at once are as many as a node should bear.
    workers: 2,
    retries: { backoff: { initialMs: 1_000, maxMs: 300_000 } },

    async reconcile(snapshot, ctx) {
      const deadline = AbortSignal.any([ctx.signal, AbortSignal.timeout(longestCopyMs)])
      if (snapshot.status.phase === 'Failed') return
      if (snapshot.status.phase === 'Ready') {
        const present = await backendOf(snapshot).observeSnapshots(deadline)
        if (!present.some(({ uid }) => uid === snapshot.metadata.uid))
          fail(snapshot, ctx, 'Lost', 'it was taken and is no longer on the node')
        return { requeueAfter: lookAgain }
      }
      try {
        const taken = await backendOf(snapshot).takeSnapshot(snapshot.status.vpsUid ?? '', snapshot.metadata.uid, deadline)
        Object.assign(snapshot.status, { phase: 'Ready', sizeBytes: taken.sizeBytes, takenAt: timestamp(taken.takenAtMs) })
        ctx.condition('Ready', true, 'Taken', 'it can be restored')
        ctx.event('Normal', 'Taken', `copied the disk of Vps ${snapshot.spec.vpsName}`)
        return { requeueAfter: lookAgain }
      } catch (error) {
        if (error instanceof BackendError && !error.retryable) return fail(snapshot, ctx, error.reason, error.message)
        const { message } = describeFailure(error, 'CopyFailed')
        // Told once; a pass that changes nothing but the moment would bring on the next.
        if (findCondition(snapshot, 'Ready')?.message !== message) ctx.condition('Ready', false, 'CopyFailed', message)
        snapshot.status.phase = 'Pending'
        return { requeueAfter: '10s' }
      }
    },

    async finalize(snapshot, ctx) {
      // A backend that the agent was started without holds nothing that could be removed now: with it, the rest is removed.
      await backendOf(snapshot).removeSnapshot(snapshot.metadata.uid, ctx.signal)
    },
  })
}

function fail(snapshot: Draft<typeof VpsSnapshot>, ctx: ReconcileContext<typeof VpsSnapshot>, reason: string, message: string): undefined {
  snapshot.status.phase = 'Failed'
  ctx.condition('Ready', false, reason, message)
  ctx.event('Warning', reason, message)
}
