import { expect, it } from 'vitest'
import { parseLogQuery } from './log-query.js'

const parse = (text: string) => parseLogQuery(new URLSearchParams(text)).toString()

it.each([
  ['', ''],
  ['follow=true&timestamps=1&previous=', 'follow=true&timestamps=true&previous=true'],
  ['follow=false&timestamps=0', ''],
  ['tailLines=0&limitBytes=1', 'tailLines=0&limitBytes=1'],
  ['tailLines=007', 'tailLines=7'],
  ['sinceSeconds=30', 'sinceSeconds=30'],
  ['sinceTime=2026-01-31T08:00:00.123456789%2B01:00', 'sinceTime=2026-01-31T08%3A00%3A00.123456789%2B01%3A00'],
  ['pretty=true&insecureSkipTLSVerifyBackend=true', ''],
])('"%s" asks the agent with "%s"', (given, asked) => {
  expect(parse(given)).toBe(asked)
})

it.each([
  ['follow=maybe', '"maybe" is not a value of the log parameter follow'],
  ['tailLines=-1', '"-1" is not a value of the log parameter tailLines'],
  ['tailLines=1e3', '"1e3" is not a value'],
  ['tailLines=', '"" is not a value'],
  ['limitBytes=0', '"0" is not a value of the log parameter limitBytes'],
  ['sinceSeconds=0', '"0" is not a value'],
  ['sinceTime=yesterday', '"yesterday" is not a value'],
  ['sinceTime=2026-13-01T00:00:00Z', 'is not a value'],
  ['sinceSeconds=1&sinceTime=2026-01-31T08:00:00Z', 'sinceSeconds and sinceTime exclude each other'],
  ['tailLines=1&tailLines=2', 'the log parameter tailLines is given twice'],
  ['container=main', 'the log has no parameter "container"; it knows follow, previous'],
  ['uid=other&attempt=3', 'the log has no parameter "uid"'],
  ['constructor=1', 'the log has no parameter "constructor"'],
])('"%s" is refused: %s', (given, why) => {
  expect(() => parse(given)).toThrow(why)
})
