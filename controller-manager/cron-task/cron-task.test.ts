import { describe, expect, it } from 'vitest'
import { isNotFound } from '../../lib/api/api-error.js'
import { findCondition } from '../../lib/api/condition.js'
import { CronTask, type CronTaskSpec, scheduledTimeAnnotation } from '../../lib/api/kinds/cron-task.js'
import { Event } from '../../lib/api/kinds/event.js'
import { Namespace } from '../../lib/api/kinds/namespace.js'
import { Task } from '../../lib/api/kinds/task.js'
import { timestamp } from '../../lib/base/clock.js'
import { controllerReference } from '../../lib/controller/owner-reference.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type ControlledCluster, controlledCluster } from '../fixtures/controlled-cluster.js'
import { taskNameFor } from './scheduled-task.js'

const only = ['cron-task']
const at = { namespace: 'default', name: 'c' }
const time = (text: string) => Date.parse(`2026-01-01T${text}Z`)
/** The Task for a time. */
const taskOf = (text: string) => taskNameFor({ metadata: { name: 'c' } as CronTask['metadata'] }, time(text))

function addCronTask({ admin }: ControlledCluster, spec: Partial<CronTaskSpec> = {}): Promise<CronTask> {
  return admin.of(CronTask).create({
    metadata: at,
    spec: { schedule: '0 * * * *', taskTemplate: { metadata: { labels: { app: 'c' } }, spec: { command: ['true'] } }, ...spec },
  })
}
const read = ({ admin }: ControlledCluster) => admin.of(CronTask).get(at)
const names = async ({ admin }: ControlledCluster) =>
  (await admin.of(Task).list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)
const moveTo = ({ cluster: { clock } }: ControlledCluster, text: string) => clock.advance(time(text) - clock.now())
const reasons = async ({ admin }: ControlledCluster) =>
  (await admin.of(Event).list({ namespace: 'default' })).items.map(({ reason }) => reason)

/** Resolves when the status says so. */
const told = (cluster: ControlledCluster, status: object) =>
  eventually(async () => expect((await read(cluster)).status).toMatchObject(status))
const ready = (status: string, reason: string) => ({ conditions: [{ type: 'Ready', status, reason }] })

async function endTask({ admin, cluster }: ControlledCluster, name: string, reason: string): Promise<void> {
  const conditions = [{ type: 'Complete', status: 'True', reason, message: '' }]
  const status = { phase: 'Failed', finishedAt: timestamp(cluster.clock.now()), conditions }
  await admin.of(Task).mergePatch({ namespace: 'default', name }, { status }, { subresource: 'status' })
}

describe('a CronTask', () => {
  it('is not held up by a Task of another namespace that names it as its owner', async () => {
    await using cluster = await controlledCluster({ only })
    const owner = await addCronTask(cluster, { concurrencyPolicy: 'Forbid' })
    await told(cluster, { nextScheduleTime: '2026-01-01T01:00:00Z' })
    await cluster.admin.of(Namespace).create({ metadata: { name: 'other' } })
    const forged = { name: taskOf('01:00:00'), namespace: 'other', ownerReferences: [controllerReference(owner)] }
    await cluster.admin.of(Task).create({
      metadata: { ...forged, annotations: { [scheduledTimeAnnotation]: '2026-01-01T01:00:00Z' } },
      spec: { image: 'busybox' },
    })
    await moveTo(cluster, '01:00:00')
    await eventually(async () => expect(await names(cluster)).toEqual([taskOf('01:00:00')]))
    await told(cluster, { active: [{ namespace: 'default' }], lastScheduleTime: '2026-01-01T01:00:00Z' })
  })

  it('starts a Task at each time, tells of it, and keeps as many as it says', async () => {
    await using cluster = await controlledCluster({ only })
    const owner = await addCronTask(cluster, { successfulTasksHistoryLimit: 1, failedTasksHistoryLimit: 0 })
    await told(cluster, { nextScheduleTime: '2026-01-01T01:00:00Z', active: [], ...ready('True', 'OnSchedule') })
    await moveTo(cluster, '01:00:00')
    await told(cluster, {
      lastScheduleTime: '2026-01-01T01:00:00Z',
      nextScheduleTime: '2026-01-01T02:00:00Z',
      active: [{ name: taskOf('01:00:00') }],
    })
    expect(await cluster.task(taskOf('01:00:00'))).toMatchObject({
      metadata: {
        labels: { app: 'c' },
        annotations: { [scheduledTimeAnnotation]: '2026-01-01T01:00:00Z' },
        ownerReferences: [{ kind: 'CronTask', name: 'c', uid: owner.metadata.uid, controller: true }],
      },
      spec: { command: ['true'] },
    })
    await moveTo(cluster, '02:00:00')
    await told(cluster, { active: [{ name: taskOf('01:00:00') }, { name: taskOf('02:00:00') }] })
    await endTask(cluster, taskOf('01:00:00'), 'Succeeded')
    await told(cluster, { active: [{ name: taskOf('02:00:00') }], lastSuccessfulTime: '2026-01-01T02:00:00Z' })
    await endTask(cluster, taskOf('02:00:00'), 'ExitCode')
    await eventually(async () => expect(await names(cluster)).toEqual([taskOf('01:00:00')]))
    expect(await reasons(cluster)).toEqual(['SuccessfulCreate', 'SuccessfulCreate'])
  })

  it('gets one Task, the latest, when nobody looked for hours', async () => {
    await using cluster = await controlledCluster({ only: [] })
    await addCronTask(cluster)
    await moveTo(cluster, '05:20:00')
    cluster.startControllers(only)
    await told(cluster, { lastScheduleTime: '2026-01-01T05:00:00Z', nextScheduleTime: '2026-01-01T06:00:00Z' })
    expect(await names(cluster)).toEqual([taskOf('05:00:00')])
  })

  it('gets no second Task when its controller was killed before it could write the first one down', async () => {
    await using cluster = await controlledCluster({ only: [] })
    const owner = await addCronTask(cluster)
    await moveTo(cluster, '01:00:30')
    const annotations = { [scheduledTimeAnnotation]: '2026-01-01T01:00:00Z' }
    await cluster.addTask(taskOf('01:00:00'), {}, { annotations, ownerReferences: [controllerReference(owner)] })
    cluster.startControllers(only)
    await told(cluster, {
      lastScheduleTime: '2026-01-01T01:00:00Z',
      active: [{ name: taskOf('01:00:00') }],
      ...ready('True', 'OnSchedule'),
    })
    expect(await names(cluster)).toEqual([taskOf('01:00:00')])
  })

  it('passes over a time whose name is taken, and says so', async () => {
    await using cluster = await controlledCluster({ only })
    await cluster.addTask(taskOf('01:00:00'))
    await addCronTask(cluster)
    await moveTo(cluster, '01:00:00')
    await told(cluster, { nextScheduleTime: '2026-01-01T02:00:00Z', active: [], ...ready('False', 'NameTaken') })
    expect((await read(cluster)).status?.lastScheduleTime).toBeUndefined()
    await eventually(async () => expect(await reasons(cluster)).toEqual(['NameTaken']))
    await moveTo(cluster, '02:00:00')
    await told(cluster, { lastScheduleTime: '2026-01-01T02:00:00Z', ...ready('True', 'OnSchedule') })
  })

  it('says why it starts none, and does when it may', async () => {
    await using cluster = await controlledCluster({ only })
    const privileged = { spec: { image: 'busybox', privileged: true } }
    await addCronTask(cluster, { suspend: true, taskTemplate: privileged as CronTaskSpec['taskTemplate'] })
    await told(cluster, ready('False', 'Suspended'))
    await cluster.admin.of(CronTask).mergePatch(at, { spec: { suspend: false } })
    await told(cluster, { nextScheduleTime: '2026-01-01T01:00:00Z', ...ready('True', 'OnSchedule') })
    await moveTo(cluster, '01:00:00')
    await told(cluster, { nextScheduleTime: '2026-01-01T01:00:00Z', ...ready('False', 'FailedCreate') })
    expect(findCondition(await read(cluster), 'Ready')?.message).toMatch(
      /c-\d+ was refused: .*security level "baseline".* spec\.privileged/,
    )
    await cluster.admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { 'millrace.dev/security': 'privileged' } } })
    await cluster.until(async () => expect(await names(cluster)).toEqual([taskOf('01:00:00')]), 120)
    await told(cluster, { lastScheduleTime: '2026-01-01T01:00:00Z', ...ready('True', 'OnSchedule') })
  })

  it('that replaces deletes the one that is active, and starts the next when it is gone', async () => {
    await using cluster = await controlledCluster({ only })
    await addCronTask(cluster, { concurrencyPolicy: 'Replace', startingDeadlineSeconds: 30 })
    await moveTo(cluster, '01:00:00')
    const first = { namespace: 'default', name: taskOf('01:00:00') }
    await eventually(() => cluster.admin.of(Task).mergePatch(first, { metadata: { finalizers: ['example.com/held'] } }))
    await told(cluster, { nextScheduleTime: '2026-01-01T02:00:00Z' })
    await moveTo(cluster, '02:00:00')
    await told(cluster, { nextScheduleTime: '2026-01-01T02:00:00Z', ...ready('False', 'Replacing') })
    await moveTo(cluster, '02:05:00')
    expect((await cluster.task(first.name)).metadata.deletionTimestamp).toBeDefined()
    await cluster.admin.of(Task).mergePatch(first, { metadata: { finalizers: null } })
    await eventually(() => cluster.task(first.name).then(() => false, isNotFound))
    await told(cluster, {
      lastScheduleTime: '2026-01-01T02:00:00Z',
      active: [{ name: taskOf('02:00:00') }],
      ...ready('True', 'OnSchedule'),
    })
  })

  it('takes its Tasks along when it is deleted', async () => {
    await using cluster = await controlledCluster({ only: [...only, 'garbage-collector'] })
    await addCronTask(cluster)
    await moveTo(cluster, '01:00:00')
    await eventually(async () => expect(await names(cluster)).toHaveLength(1))
    await cluster.admin.of(CronTask).delete(at)
    await cluster.until(async () => expect(await names(cluster)).toEqual([]))
  })
})
