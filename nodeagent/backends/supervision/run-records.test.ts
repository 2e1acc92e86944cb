import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { RunRecords } from './run-records.js'

let folder: string
let records: RunRecords
const id = { uid: 'u-1', attempt: 0, run: 2 }
const record = { id, namespace: 'default', name: 'subject', workingDirectory: '/' }

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-records-'))
  records = new RunRecords(folder)
  await records.prepare()
})
afterEach(async () => await rm(folder, { recursive: true }))
const write = (name: string, text = '') => writeFile(path.join(folder, name), text)

it('a run is what its files say', async () => {
  expect(await records.read(id)).toBeUndefined()
  await records.create(record)
  expect(await records.read(id)).toEqual({ record, started: undefined, exit: undefined, oomKilled: false })
  await write('u-1.0.2.started', 'shim=11 100\nchild=12 101\nboot=b-1\nat=1700000000123\n')
  expect((await records.read(id))?.started).toEqual({
    shim: { pid: 11, startTime: '100' },
    child: { pid: 12, startTime: '101' },
    bootId: 'b-1',
    atMs: 1700000000123,
  })
  await write('u-1.0.2.exit', 'code=3\nsignal=0\nat=1700000000456\nfailure=\n')
  expect((await records.read(id))?.exit).toEqual({ exitCode: 3, oomKilled: false, finishedAtMs: 1700000000456 })
})

it.each([
  ['code=0\nsignal=9\nat=5\nfailure=\n', { exitCode: 137, signal: 'SIGKILL' }],
  ['code=0\nsignal=15\nat=5\nfailure=\n', { exitCode: 143, signal: 'SIGTERM' }],
  ['code=0\nsignal=40\nat=5\nfailure=\n', { exitCode: 168, signal: 'SIG40' }],
  ['code=137\nsignal=0\nat=5\nfailure=\n', { exitCode: 137 }],
  [
    'code=127\nsignal=0\nat=5\nfailure=CommandNotFound cannot run x=y: No such file\n',
    { exitCode: 127, failure: { reason: 'CommandNotFound', message: 'cannot run x=y: No such file' } },
  ],
])('%j is read as %j', async (text, exit) => {
  await records.create(record)
  await write('u-1.0.2.exit', text)
  expect((await records.read(id))?.exit).toEqual({ ...exit, oomKilled: false, finishedAtMs: 5 })
})

it('creating a run again changes nothing', async () => {
  await records.create(record)
  await records.create({ ...record, name: 'other' })
  expect((await new RunRecords(folder).read(id))?.record.name).toBe('subject')
  expect(await readdir(folder)).toEqual(['u-1.0.2.ending', 'u-1.0.2.run'])
})

it('a run that was forbidden to start has not started, and one that started cannot be forbidden', async () => {
  await records.create(record)
  expect(await records.forbidStart(id)).toBe(true)
  expect(await records.forbidStart(id)).toBe(false)
  expect((await records.read(id))?.started).toBeUndefined()
})

it('what a kill left in the middle of a removal or a write is cleared, and nothing else', async () => {
  await records.create(record)
  for (const name of ['started', 'exit', 'exit.77']) await write(`u-1.0.2.${name}`)
  for (const name of ['started', 'exit', 'oom', 'started.123', 'exit.123']) await write(`gone.0.0.${name}`)
  await write('u-1.0.2.run.3d594650-0000-4000-8000-000000000000')
  await write('unknown')
  await new RunRecords(folder).prepare()
  expect((await readdir(folder)).sort()).toEqual([
    'u-1.0.2.ending',
    'u-1.0.2.exit',
    'u-1.0.2.exit.77',
    'u-1.0.2.run',
    'u-1.0.2.started',
    'unknown',
  ])
})

it('that a run was lost is written where room was set aside, over what a shim had begun', async () => {
  await records.create(record)
  const setAside = await stat(path.join(folder, 'u-1.0.2.ending'))
  await write('u-1.0.2.ending', `code=0\nsignal=0\nat=1\nfailure=${'x'.repeat(300)}\nreport=half`)
  await records.markLost(id, 5, 'why')
  expect((await stat(path.join(folder, 'u-1.0.2.exit'))).ino).toBe(setAside.ino)
  expect(await records.read(id)).toEqual({
    record,
    started: undefined,
    exit: { exitCode: 255, oomKilled: false, finishedAtMs: 5, failure: { reason: 'RunLost', message: 'why' } },
    oomKilled: false,
  })
})

it('a removed run leaves no file', async () => {
  await records.create(record)
  await records.markOom(id)
  await records.markLost(id, 5, 'why')
  expect((await records.read(id))?.exit).toMatchObject({ exitCode: 255, oomKilled: true, failure: { reason: 'RunLost', message: 'why' } })
  await records.remove(id)
  expect(await readdir(folder)).toEqual([])
  expect(await records.list()).toEqual([])
})
