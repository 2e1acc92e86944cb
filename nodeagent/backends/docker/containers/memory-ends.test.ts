import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MemoryEnds } from './memory-ends.js'

const [one, two] = ['a'.repeat(64), 'b'.repeat(64)]
let directory: string
let file: string
let ends: MemoryEnds

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'millrace-test-'))
  file = path.join(directory, 'kmsg')
  ends = new MemoryEnds(file)
})
afterEach(async () => {
  await ends.close()
  await rm(directory, { recursive: true })
})

const record = (group: string, facility = 6) =>
  `${facility},2400,62415085202,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=${group},task_memcg=/docker/${two},task=tail,pid=7,uid=0\n`

it.each([
  ['has ended', record(`/docker/${one}`), true],
  ['has ended, in a group of systemd', record(`/system.slice/docker-${one}.scope`), true],
  ['has ended, and others before and after', record(`/docker/${two}`) + record(`/docker/${one}`) + record('/else'), true],
  ['holds a container that has ended', record(`/docker/${one}/docker/${two}`), false],
  ['holds a group that has ended', record(`/docker/${one}/inner`), false],
  ['a program writes of', record(`/docker/${one}`, 12), false],
  ['is named by another record', `6,1,1,-;tail of oom_memcg=/docker/${one},\n`, false],
])('a container that %s: %#', async (_what, log, isKnown) => {
  await writeFile(file, log)
  expect(await ends.has(one)).toBe(isKnown)
})

it('what comes later is heard at the next question, by all who ask at once', async () => {
  await writeFile(file, record(`/docker/${two}`))
  expect(await Promise.all([ends.has(one), ends.has(two)])).toEqual([false, true])
  await appendFile(file, record(`/docker/${one}`))
  expect(await Promise.all([ends.has(one), ends.has(two)])).toEqual([true, true])
})

it('where the log cannot be read, none is known', async () => {
  expect(await new MemoryEnds(path.join(directory, 'none')).has(one)).toBe(false)
})
