/**
 * Takes the snapshots that the policies of Vpses ask for: on a schedule and at each stop, and deletes those that are more
 * than a policy keeps. A snapshot is asked for by creating a VpsSnapshot; the agent of its node takes it. One rule: its
 * name is made of what it is for, so that nothing is taken twice.
 */
import { isAlreadyExists, isForbidden, isInvalid } from '../../lib/api/api-error.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { snapshotCauseLabel, snapshotTimeAnnotation, VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import { timestamp } from '../../lib/base/clock.js'
import { controller } from '../../lib/controller/controller.js'
import type { ReconcileContext } from '../../lib/controller/reconcile-context.js'
import { watch } from '../../lib/controller/watch.js'
import { decideSnapshots, type WantedSnapshot } from './decide-snapshots.js'

/** Timers do not know when somebody puts the clock right: nobody sleeps longer. */
const longestSleepMs = 60_000
const retryMs = 10_000

export const snapshotPolicy = controller({
  name: 'snapshot-policy',
  for: Vps,
  watches: [watch(VpsSnapshot, ({ metadata, spec }) => [{ namespace: metadata.namespace, name: spec.vpsName }])],
  async reconcile(vps, ctx) {
    const { namespace = '', name } = vps.metadata
    const nowMs = ctx.clock.now()
    const snapshots = ctx.list(VpsSnapshot, namespace).filter(({ spec }) => spec.vpsName === name)
    const { take, superfluous, nextMs } = decideSnapshots(vps, snapshots, namesNeeded(ctx.list(Vps, namespace)), nowMs)
    for (const snapshot of superfluous) {
      await ctx.delete(VpsSnapshot, snapshot)
      ctx.event(
        'Normal',
        'SnapshotDeleted',
        `deleted snapshot ${snapshot.metadata.name}: the policy keeps ${vps.spec.snapshotPolicy?.keep}`,
      )
    }
    let allTaken = true
    for (const wanted of take) {
      const refusal = await ask(vps, wanted, ctx)
      if (refusal !== undefined) {
        allTaken = false
        ctx.condition('SnapshotsTaken', false, 'FailedCreate', refusal)
      } else if (wanted.cause === 'schedule') vps.status.snapshots = { ...vps.status.snapshots, lastScheduleTime: timestamp(wanted.timeMs) }
      else vps.status.snapshots = { ...vps.status.snapshots, lastStop: wanted.start }
    }
    if (allTaken && take.length > 0) ctx.condition('SnapshotsTaken', true, 'Asked', `${take.map((wanted) => wanted.name).join(', ')}`)
    if (allTaken && nextTime(vps) !== nextMs)
      vps.status.snapshots = { ...vps.status.snapshots, nextScheduleTime: nextMs === undefined ? undefined : timestamp(nextMs) }
    const wakeMs = allTaken ? nextMs : nowMs + retryMs
    return wakeMs === undefined ? undefined : { requeueAfter: `${Math.min(Math.max(wakeMs - nowMs, 1), longestSleepMs)}ms` }
  },
})

const nextTime = ({
  status,
}: {
  readonly status?: { readonly snapshots?: { readonly nextScheduleTime?: string | undefined } | undefined }
}) => (status?.snapshots?.nextScheduleTime === undefined ? undefined : Date.parse(status.snapshots.nextScheduleTime))

/** The snapshots that a Vps says it is to be made of, and is not yet. */
function namesNeeded(vpses: readonly Vps[]): ReadonlySet<string> {
  return new Set(
    vpses.flatMap(({ spec, status }) => {
      const { name, request } = spec.restoreFrom ?? {}
      const isDone = status?.restoredFrom?.name === name && status?.restoredFrom?.request === request
      return name === undefined || isDone ? [] : [name]
    }),
  )
}

/**
 * Undefined: it is asked for; else why the server does not take it. That it is
 * there already, because a pass was cut off after it, is as good.
 */
async function ask(vps: Vps, wanted: WantedSnapshot, ctx: ReconcileContext<typeof Vps>): Promise<string | undefined> {
  const { namespace = '', name: vpsName, uid } = vps.metadata
  const annotations = wanted.cause === 'schedule' ? { [snapshotTimeAnnotation]: timestamp(wanted.timeMs) } : undefined
  const message = wanted.cause === 'schedule' ? `on schedule, for ${timestamp(wanted.timeMs)}` : `after the stop of start ${wanted.start}`
  const snapshots = ctx.client.of(VpsSnapshot)
  const create = async (name: string) => {
    await snapshots.create({
      metadata: { namespace, name, labels: { [snapshotCauseLabel]: wanted.cause }, ...(annotations ? { annotations } : {}) },
      spec: { vpsName, message },
    })
    ctx.event('Normal', 'SnapshotAsked', `asked for snapshot ${name} ${message}`)
  }
  try {
    await create(wanted.name).catch(async (error: unknown) => {
      if (!isAlreadyExists(error)) throw error
      const present = await snapshots.get({ namespace, name: wanted.name })
      // An earlier Vps of this name counted its starts, too, and its snapshots outlive it.
      if (present.status?.vpsUid !== uid) await create(`${wanted.name}-${uid.slice(0, 8)}`)
    })
    return undefined
  } catch (error) {
    if (isAlreadyExists(error)) return undefined
    if (!isForbidden(error) && !isInvalid(error)) throw error
    const refusal = `snapshot ${wanted.name} was refused: ${(error as Error).message}`
    ctx.event('Warning', 'FailedCreate', refusal)
    return refusal
  }
}
