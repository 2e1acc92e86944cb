import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { systemClock } from '../../lib/base/clock.js'
import { verifyStore } from './maintenance/verify.js'
import { openSqliteStore } from './open-sqlite-store.js'
import { contentOf, failureOf, namesOf, policyOf, put, remove, task } from './testing/store-writes.js'

const run = promisify(execFile)
const tasks = { group: 'millrace.dev', resource: 'tasks' }

it('a full disk refuses writes, serves reads, loses nothing and heals without a restart', async (context) => {
  const mountPoint = await mkdtemp(join(tmpdir(), 'millrace-full-'))
  const unmountable = await run('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', mountPoint]).then(
    () => undefined,
    (error: Error) => error,
  )
  if (unmountable) {
    await rm(mountPoint, { recursive: true })
    context.skip(`a small tmpfs cannot be mounted here: ${unmountable.message}`)
  }
  const directory = join(mountPoint, 'apiserver')
  const store = await openSqliteStore({ directory, policyOf, clock: systemClock })
  try {
    const value = 'x'.repeat(4000)
    const acknowledged: string[] = []
    let failure: Error | undefined
    for (let n = 0; !failure; n++)
      failure = await put(store, task(`t${String(n).padStart(5, '0')}`), { value }).then(
        ({ object }) => void acknowledged.push(object?.key.name ?? ''),
        (error: Error) => error,
      )
    expect(acknowledged.length).toBeGreaterThan(50)
    expect(failure).toMatchObject({
      reason: 'ServiceUnavailable',
      message: expect.stringContaining('the disk of the data directory is full; make room there, and writes go on by themselves'),
    })
    expect(store.writeState.open).toBe(false)
    for (let n = 0; n < 5; n++) await failureOf(put(store, task('more'), { value }))
    expect(contentOf(store.get(task('t00000')))?.value).toBe(value)
    expect((await store.listAt({ ...tasks, revision: 20 })).objects).toHaveLength(19)

    await run('mount', ['-o', 'remount,size=30m', mountPoint])
    expect((await put(store, task('after'))).outcome).toBe('created')
    expect(store.writeState).toEqual({ open: true })
    await remove(store, task('after'))
    expect(namesOf(store.list(tasks).objects)).toEqual(acknowledged.map((name) => `default/${name}`))
    await store.close()
    expect(await verifyStore({ directory })).toMatchObject({ problems: [], objects: acknowledged.length })
  } finally {
    await store.close()
    await run('umount', [mountPoint])
    await rm(mountPoint, { recursive: true })
  }
})
