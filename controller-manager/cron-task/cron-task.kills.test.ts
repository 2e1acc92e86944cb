/** Whatever becomes of a write of the controller, and of the controller with it: a time has one Task. */
import { expect, it } from 'vitest'
import { CronTask } from '../../lib/api/kinds/cron-task.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { FailureForm, RequestVerb } from '../../lib/testing/failure.js'
import { testCluster } from '../../lib/testing/test-cluster.js'
import { cronTask } from './cron-task.js'
import { taskNameFor } from './scheduled-task.js'

const at = { namespace: 'default', name: 'c' }
const due = '2026-01-01T01:00:00Z'
/** What happens to the history of Tasks that ended well is the hardest: none is kept. */
const spec = { schedule: '0 * * * *', successfulTasksHistoryLimit: 0, taskTemplate: { spec: { command: ['true'] } } }
const succeeded = { phase: 'Succeeded', conditions: [{ type: 'Complete', status: 'True', reason: 'Succeeded' }] }

const forms: FailureForm[] = ['crash before', 'crash after', 'connection lost before', 'connection lost after', 'ServiceUnavailable']
/** The Task, the status that tells of it, and the deletion when it has ended. */
const writes: RequestVerb[] = ['create', 'patch', 'delete']

it.each(writes.flatMap((verb) => forms.map((form): [RequestVerb, FailureForm] => [verb, form])))('%s, %s', async (verb, form) => {
  await using cluster = await testCluster({ controllers: [cronTask] })
  const { client, store } = cluster
  const made = await client.of(CronTask).create({ metadata: at, spec })
  await cluster.settle()
  expect((await client.of(CronTask).get(at)).status?.nextScheduleTime).toBe(due)

  const name = taskNameFor(made, Date.parse(due))
  const failure = cluster.fail({ verb, kind: verb === 'patch' ? CronTask : Task, with: form })
  await cluster.advance('61m')
  expect((await client.of(Task).list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)).toEqual([name])
  await client.of(Task).mergePatch({ namespace: 'default', name }, { status: succeeded }, { subresource: 'status' })
  await cluster.advance('5m')

  expect(failure.hits).toBe(1)
  const key = { group: Task.group, resource: Task.plural, namespace: 'default', name }
  expect((await store.history(key)).map(({ change }) => change.type)).toEqual(['ADDED', 'MODIFIED', 'DELETED'])
  expect((await client.of(CronTask).get(at)).status).toMatchObject({
    active: [],
    lastScheduleTime: due,
    nextScheduleTime: '2026-01-01T02:00:00Z',
    conditions: [{ type: 'Ready', status: 'True', reason: 'OnSchedule' }],
  })
})
