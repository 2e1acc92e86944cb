import { describe, expect, it } from 'vitest'
import { parseSchedule, ScheduleError } from './parse-schedule.js'

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_each, index) => first + index)
const every = {
  minutes: range(0, 59),
  hours: range(0, 23),
  daysOfMonth: undefined,
  months: range(1, 12),
  daysOfWeek: undefined,
}

describe('a schedule', () => {
  it.each([
    ['* * * * *', {}],
    ['  5   4 * * * ', { minutes: [5], hours: [4] }],
    ['*/15 8-10 ? * ?', { minutes: [0, 15, 30, 45], hours: [8, 9, 10] }],
    ['50-59/3,1,1 0 * * *', { minutes: [1, 50, 53, 56, 59], hours: [0] }],
    ['7/20 0 * * *', { minutes: [7, 27, 47], hours: [0] }],
    ['0 0 1,15 jan-MAR,12 *', { minutes: [0], hours: [0], daysOfMonth: [1, 15], months: [1, 2, 3, 12] }],
    ['0 0 * * mon-Fri', { minutes: [0], hours: [0], daysOfWeek: [1, 2, 3, 4, 5] }],
    ['0 0 * * 5-7', { minutes: [0], hours: [0], daysOfWeek: [0, 5, 6] }],
    ['0 0 * * */2', { minutes: [0], hours: [0], daysOfWeek: [0, 2, 4, 6] }],
    ['0 0 29 2 *', { minutes: [0], hours: [0], daysOfMonth: [29], months: [2] }],
    ['0 0 30 2 mon', { minutes: [0], hours: [0], daysOfMonth: [30], months: [2], daysOfWeek: [1] }],
    ['@hourly', { minutes: [0] }],
    ['@Daily', { minutes: [0], hours: [0] }],
    ['@midnight', { minutes: [0], hours: [0] }],
    ['@weekly', { minutes: [0], hours: [0], daysOfWeek: [0] }],
    ['@monthly', { minutes: [0], hours: [0], daysOfMonth: [1] }],
    ['@yearly', { minutes: [0], hours: [0], daysOfMonth: [1], months: [1] }],
    ['@annually', { minutes: [0], hours: [0], daysOfMonth: [1], months: [1] }],
  ])('%j is read', (text, expected) => expect(parseSchedule(text)).toEqual({ ...every, ...expected }))

  it.each([
    ['', 'has 0 fields, not five: minute, hour, day of the month, month, day of the week'],
    ['daily', 'has 1 field, not five: minute, hour, day of the month, month, day of the week'],
    ['0 * * * * *', 'has 6 fields, not five: minute, hour, day of the month, month, day of the week'],
    ['60 * * * *', 'the minute "60" must be 0 to 59'],
    ['* 24 * * *', 'the hour "24" must be 0 to 23'],
    ['* * 0 * *', 'the day of the month "0" must be 1 to 31'],
    ['* * * 13 *', 'the month "13" must be 1 to 12, or jan to dec'],
    ['* * * juin *', 'the month "juin" must be 1 to 12, or jan to dec'],
    ['* * * * 8', 'the day of the week "8" must be 0 to 7, or sun to sat'],
    ['* * L * *', 'the day of the month "L" must be 1 to 31'],
    ['* * ?,1 * *', 'the day of the month "?" must be 1 to 31'],
    ['? * * * *', 'the minute "?" must be 0 to 59'],
    ['1,,2 * * * *', 'the minute "" must be 0 to 59'],
    ['-1 * * * *', 'the minute "-1" must be 0 to 59'],
    ['1e1 * * * *', 'the minute "1e1" must be 0 to 59'],
    ['1-2-3 * * * *', 'the minute "1-2-3" is no range'],
    ['* * * * fri-mon', 'the day of the week "fri-mon" ends before it begins'],
    ['*/0 * * * *', 'the minute "*/0" has a step that is no number from 1 on'],
    ['*/x * * * *', 'the minute "*/x" has a step that is no number from 1 on'],
    ['*/ * * * *', 'the minute "*/" has a step that is no number from 1 on'],
    ['*/2/3 * * * *', 'the minute "*/2/3" has more than one step'],
    ['*/90 * * * *', 'the minute "*/90" steps beyond its end, 59'],
    ['0 */24 * * *', 'the hour "*/24" steps beyond its end, 23'],
    ['@every 5m', `"@every 5m" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly`],
    ['@reboot', `"@reboot" is none of @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly`],
    ['TZ=Europe/Berlin 0 0 * * *', 'names a time zone: timeZone is the field for it'],
    ['cron_tz=UTC @daily', 'names a time zone: timeZone is the field for it'],
    ['0 0 30 2 *', 'never happens: no month of 2 has a day 30'],
    ['0 0 31 feb,4,6-6 *', 'never happens: no month of feb,4,6-6 has a day 31'],
  ])('%j is none', (text, message) => {
    expect(() => parseSchedule(text)).toThrow(new ScheduleError(message))
  })

  it('is none in bounded time, however long', () => {
    expect(() => parseSchedule(`${'*/2,'.repeat(10_000)}x * * * *`)).toThrow(ScheduleError)
    expect(() => parseSchedule('* '.repeat(10_000))).toThrow('has 10000 fields')
  })
})
