/** CronTasks on the command line: made of arguments, run by hand, described by the wall clocks of their zone, and why. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CronTask } from '../../lib/api/kinds/cron-task.js'
import { Task } from '../../lib/api/kinds/task.js'
import { createClient } from '../../lib/client/create-client.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

const out = async (text: string) => {
  const { code, out: printed, err } = await line.run(text)
  expect({ text, code, err }).toEqual({ text, code: 0, err: '' })
  return printed
}
const json = async (text: string) => JSON.parse(await out(`${text} -o json`))

describe('create', () => {
  it('makes a CronTask of arguments, and a Task of a CronTask', async () => {
    expect(await out(`create crontask nightly --schedule '30 2 * * *' --timezone Europe/Berlin -- sh -c 'echo hi'`)).toBe(
      'crontask.millrace.dev/nightly created\n',
    )
    expect((await json('get ct nightly')).spec).toMatchObject({
      schedule: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      concurrencyPolicy: 'Allow',
      taskTemplate: { spec: { command: ['sh', '-c', 'echo hi'], restartPolicy: 'Never' } },
    })
    expect(await out('create task now --from=crontask/nightly')).toBe('task.millrace.dev/now created\n')
    const { metadata, spec } = await json('get task now')
    expect(metadata).toMatchObject({
      annotations: { 'millrace.dev/instantiate': 'manual' },
      ownerReferences: [{ kind: 'CronTask', name: 'nightly', controller: true }],
    })
    expect(spec.command).toEqual(['sh', '-c', 'echo hi'])
  })

  it('takes labels and annotations of the template along', async () => {
    const template = { metadata: { labels: { app: 'web' }, annotations: { who: 'me' } }, spec: { image: 'busybox' } }
    const manifest = {
      apiVersion: CronTask.apiVersion,
      kind: 'CronTask',
      metadata: { name: 'labelled' },
      spec: { schedule: '@daily', taskTemplate: template },
    }
    expect((await line.run('apply -f -', { input: JSON.stringify(manifest) })).code).toBe(0)
    expect((await json('create task labelled --from ct/labelled --dry-run=server')).metadata).toMatchObject({
      labels: { app: 'web' },
      annotations: { who: 'me', 'millrace.dev/instantiate': 'manual' },
    })
  })

  it.each([
    ['create crontask c -- true', 2, '--schedule'],
    ['create crontask c --schedule @daily', 2, 'say what to run'],
    [`create crontask c --schedule '0 2 * *' -- true`, 6, 'spec.schedule: Invalid value: "0 2 * *": has 4 fields, not five'],
    ['create crontask c --schedule @daily --timezone Mars -- true', 6, 'spec.timeZone: Invalid value: "Mars"'],
    ['create task t', 2, '--from'],
    ['create task t --from task/now', 2, '--from takes crontask/NAME, not task/now'],
    ['create task t --from crontask', 2, '--from takes crontask/NAME, not crontask'],
    ['create task t --from crontask/absent', 3, 'crontasks.millrace.dev "absent" not found'],
  ])('%s is refused', async (text, code, hint) => {
    expect(await line.run(text)).toMatchObject({ code, err: expect.stringContaining(hint) })
  })
})

it('get, describe and why tell of its Tasks and of what comes', async () => {
  await out(`create crontask spring --schedule '30 2 * * *' --timezone Europe/Berlin -- true`)
  await line.cluster.clock.advance(Date.parse('2026-03-27T12:00:00Z') - line.cluster.clock.now())
  await out('create task spring-1 --from crontask/spring')
  await out('create task spring-2 --from crontask/spring')
  const client = createClient(line.cluster.admin)
  const complete = { type: 'Complete', status: 'True', reason: 'ExitCode', message: 'exit code 3' }
  const end = { status: { phase: 'Failed', exitCode: 3, finishedAt: '2026-03-27T11:50:00Z', conditions: [complete] } }
  await client.of(Task).mergePatch({ namespace: 'default', name: 'spring-1' }, end, { subresource: 'status' })
  const reference = { apiVersion: Task.apiVersion, kind: 'Task', namespace: 'default', name: 'spring-2', uid: 'u' }
  const conditions = [{ type: 'Ready', status: 'False', reason: 'Suspended', message: 'spec.suspend asks that no Task is started' }]
  const state = { active: [reference], lastScheduleTime: '2026-03-27T01:30:00Z', nextScheduleTime: '2026-03-28T01:30:00Z', conditions }
  await client.of(CronTask).mergePatch({ namespace: 'default', name: 'spring' }, { status: state }, { subresource: 'status' })
  await client.close()

  expect(await out('get ct spring')).toMatch(
    /^NAME +SCHEDULE +TIMEZONE +SUSPEND +ACTIVE +LAST SCHEDULE +AGE\nspring +30 2 \* \* \* +Europe\/Berlin +false +1 +10h +/,
  )
  expect(await out('get ct nightly')).toMatch(/ 0 +<none> +/)
  const text = await out('describe crontask spring')
  expect(text).toMatch(/Last Schedule: +Fri 2026-03-27 02:30 \(10h ago\)\n/)
  expect(text).toMatch(
    /Next Schedules: +Sat 2026-03-28 02:30 \(in 13h\)\n +Sun 2026-03-29 03:00 \(in 37h\)\n +Mon 2026-03-30 02:30 \(in 2d12h\)\n/,
  )
  expect(text).toMatch(/\n {2}spring-1 +Failed +ExitCode +3 +0s +10m\n {2}spring-2 +Pending +0s\n/)

  const why = await out('why crontask/spring')
  expect(why).toContain('Desired:  a Task at "30 2 * * *" by the clocks of Europe/Berlin\n')
  expect(why).toContain(
    'Actual:   active: spring-2; the last was due at 2026-03-27T01:30:00Z; the next is due at 2026-03-28T01:30:00Z\nBecause:\n  - Ready is False (Suspended: ',
  )
  expect(why).toContain('  - Task default/spring-2: is Pending; why task/spring-2 says more\n')
  expect(why).toMatch(/ {2}- Task default\/spring-1: was the last to end.*: Failed, ExitCode, exit code 3\n/)
})

it('a CronTask whose Tasks nobody may see is described by why without them', async () => {
  await out('create role crons --verb get --resource crontasks')
  await out('create rolebinding crons --role crons --user ann')
  expect(await out('why crontask/nightly --as ann')).toContain('? you may not read: tasks in default')
})
