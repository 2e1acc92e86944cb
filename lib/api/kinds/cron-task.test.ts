import { describe, expect, it } from 'vitest'
import { CronTask } from './cron-task.js'
import { validateCronTask } from './cron-task-validation.js'

const aCronTask = (spec: object, name = 'nightly') => ({
  apiVersion: CronTask.apiVersion,
  kind: 'CronTask',
  metadata: { name } as never,
  spec: { schedule: '0 2 * * *', timeZone: 'UTC', taskTemplate: { spec: { command: ['true'] } }, ...spec },
})
const causesOf = (spec: object, name?: string) =>
  validateCronTask(aCronTask(spec, name)).map(({ field, message }) => `${field}: ${message}`)
const inTemplate = (taskTemplate: object) => ({ taskTemplate })

describe('a CronTask', () => {
  it.each<[object, string[]]>([
    [{}, []],
    [{ timeZone: 'America/Argentina/Buenos_Aires' }, []],
    [{ schedule: '0 25 * * *' }, ['spec.schedule: Invalid value: "0 25 * * *": the hour "25" must be 0 to 23']],
    [{ schedule: '0 0 30 2 *' }, ['spec.schedule: Invalid value: "0 0 30 2 *": never happens: no month of 2 has a day 30']],
    [
      { schedule: 'CRON_TZ=Europe/Berlin 0 2 * * *' },
      ['spec.schedule: Invalid value: "CRON_TZ=Europe/Berlin 0 2 * * *": names a time zone: timeZone is the field for it'],
    ],
    ...['Europe/Berln', 'Local', '+01:00', 'GMT+1', ''].map((timeZone): [object, string[]] => [
      { timeZone },
      [`spec.timeZone: Invalid value: "${timeZone}": is no zone of the tz database, as Europe/Berlin`],
    ]),
    [inTemplate({ spec: { backend: 'docker' } }), ['spec.taskTemplate.spec.image: Required value: the docker backend runs an image']],
    [
      inTemplate({ spec: { command: ['a'], env: [{ name: '1' }] } }),
      ['spec.taskTemplate.spec.env[0].name: Invalid value: "1": must be letters, digits, _, - or ., not starting with a digit'],
    ],
  ])('%j is refused with %j', (spec, expected) => expect(causesOf(spec)).toEqual(expected))

  it('has labels and annotations for its Tasks that are some', () => {
    const metadata = { labels: { 'a b': 'c' }, annotations: { '/': '' } }
    const causes = causesOf(inTemplate({ metadata, spec: { command: ['true'] } }))
    expect(causes.map((cause) => cause.slice(0, cause.indexOf(': Invalid')))).toEqual([
      'spec.taskTemplate.metadata.labels',
      'spec.taskTemplate.metadata.annotations',
    ])
  })

  it('has a name that leaves room for those of its Tasks', () => {
    expect(causesOf({}, 'n'.repeat(52))).toEqual([])
    expect(causesOf({}, 'n'.repeat(53))).toEqual([`metadata.name: Invalid value: "${'n'.repeat(53)}": must be at most 52 characters`])
  })
})
