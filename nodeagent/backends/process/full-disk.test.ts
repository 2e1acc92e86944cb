/** Runs of the process backend whose node has no room left. */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { type SmallDisk, smallDisk } from '../../fixtures/small-disk.js'
import { asRoot } from '../../fixtures/start-agent.js'
import type { RunId, RunSpec } from '../backend.js'
import { ProcessBackend } from './process-backend.js'

describe.skipIf(!asRoot)('on a full disk', () => {
  const signal = AbortSignal.timeout(60_000)
  let disk: SmallDisk
  let backend: ProcessBackend

  const open = () =>
    ProcessBackend.open({
      directory: path.join(disk.folder, 'runs'),
      cgroups: undefined,
      separateUsers: false,
      version: 'test',
      searchPath: process.env.PATH ?? '',
    })
  const runOf = (uid: string, script: string): RunSpec => ({
    id: { uid, attempt: 0, run: 0 },
    namespace: 'default',
    name: uid,
    spec: { command: ['sh', '-c', script] } as RunSpec['spec'],
    env: {},
    mounts: [],
    logDirectory: path.join(disk.folder, 'logs', uid),
  })
  const waiting = (uid: string, then: string) => runOf(uid, `while ! test -e ${disk.folder}/go; do sleep 0.05; done; ${then}`)
  const go = () => writeFile(path.join(disk.folder, 'go'), '')
  const observed = async ({ uid }: RunId) => (await backend.observe(signal, uid))[0]

  beforeEach(async () => {
    disk = await smallDisk()
    backend = await open()
  })
  afterEach(async () => {
    for (const { id } of await backend.observe(signal)) await backend.remove(id, signal)
    await backend.close()
    await disk.remove()
  })

  it('a run that ends is seen to have ended, with its exit code, also by the next agent', async () => {
    const run = waiting('ending', 'exit 7')
    await backend.start(run, signal)
    await disk.fill()
    await go()
    await eventually(async () => expect(await observed(run.id)).toMatchObject({ state: 'exited', exit: { exitCode: 7 } }))
    await backend.close()
    backend = await open()
    expect(await observed(run.id)).toMatchObject({ state: 'exited', exit: { exitCode: 7 } })
  })

  it('a run can be stopped and removed, which leaves nothing', async () => {
    const run = runOf('removed', 'sleep 600')
    await backend.start(run, signal)
    await disk.fill()
    await backend.stop(run.id, 30_000, signal)
    expect(await observed(run.id)).toMatchObject({ state: 'exited', exit: { signal: 'SIGTERM' } })
    await backend.remove(run.id, signal)
    expect(await readdir(path.join(disk.folder, 'runs'))).toEqual([])
  })

  it('a run whose shim was killed is said to be lost, and can be removed', async () => {
    const run = runOf('lost', 'sleep 600')
    await backend.start(run, signal)
    const started = await readFile(path.join(disk.folder, 'runs', 'lost.0.0.started'), 'utf8')
    await disk.fill()
    process.kill(Number(/^shim=(\d+)/.exec(started)?.[1]), 'SIGKILL')
    await eventually(async () => expect(await observed(run.id)).toMatchObject({ state: 'unknown' }))
    await backend.stop(run.id, 0, signal)
    expect(await observed(run.id)).toMatchObject({ state: 'exited', exit: { failure: { reason: 'RunLost' } } })
    await backend.remove(run.id, signal)
    expect(await readdir(path.join(disk.folder, 'runs'))).toEqual([])
  })

  it('a run is not started, in words that say what to do, leaves nothing half made, and starts when there is room', async () => {
    await disk.fill()
    const run = waiting('late', 'exit 3')
    for (let tries = 0; tries < 2; tries++)
      await expect(backend.start(run, signal)).rejects.toThrow(
        /^the process could not be started: the disk of the node is full: remove machines, .*; it goes on by itself$/,
      )
    expect((await readdir(path.join(disk.folder, 'runs'))).filter((name) => !name.endsWith('.run'))).toEqual([])
    await disk.makeRoom()
    await backend.start(run, signal)
    await disk.fill()
    await go()
    await eventually(async () => expect(await observed(run.id)).toMatchObject({ state: 'exited', exit: { exitCode: 3 } }))
  })
})
