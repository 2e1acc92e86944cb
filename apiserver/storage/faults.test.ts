import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isExpired } from '../../lib/api/api-error.js'
import { eventually } from '../../lib/testing/eventually.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { openStore, type StoreOptions } from './create-store.js'
import { MemoryDriver } from './drivers/memory/memory-driver.js'
import { SqliteDriver } from './drivers/sqlite/sqlite-driver.js'
import { createSealingKey, Keyring } from './keyring.js'
import type { LogDriver } from './log-driver.js'
import { resealLog } from './maintenance/rekey.js'
import type { Change, Store, WriteResult } from './store.js'
import { type FaultyDriver, faultyDriver, type PlannedFault } from './testing/faulty-driver.js'
import { contentOf, failureOf, lease, namesOf, policyOf, put, remove, secret, task, writer } from './testing/store-writes.js'

const tasks = { group: 'millrace.dev', resource: 'tasks' }
const keyring = new Keyring([createSealingKey()])
const ioAfter: PlannedFault = { fault: 'io', when: 'after' }
const ioBefore: PlannedFault = { fault: 'io', when: 'before' }
const full: PlannedFault = { fault: 'disk-full', when: 'before' }

let clock: ManualClock
beforeEach(() => {
  clock = new ManualClock()
})

/** Time passes until writes are open. */
async function healed(store: Store): Promise<void> {
  await eventually(async () => {
    if (!store.writeState.open) await clock.advance(15_000)
    return store.writeState.open
  })
}

const openOn = (driver: LogDriver, options: Partial<StoreOptions> = {}) => openStore({ driver, policyOf, keyring, clock, ...options })

describe('a commit that fails', () => {
  let inner: MemoryDriver
  let next: PlannedFault | undefined
  let store: Store

  /** Fails the next call of `commit`, once. */
  const failNextCommit = (fault: PlannedFault) => {
    next = fault
  }
  beforeEach(async () => {
    inner = new MemoryDriver()
    store = await openOn(
      faultyDriver(inner, (_call, name) => {
        const fault = name === 'commit' ? next : undefined
        if (fault) next = undefined
        return fault
      }),
    )
    await put(store, task('a'), { value: 'before' })
  })
  afterEach(() => store.close())

  it('is answered as unknown, and its overlay is dropped', async () => {
    failNextCommit(full)
    const failure = await failureOf(put(store, task('a'), { value: 'lost' }))
    expect(failure).toMatchObject({ reason: 'ServiceUnavailable' })
    expect(failure.message).toContain('may or may not have happened')
    expect(contentOf(store.get(task('a')))?.value).toBe('before')
    expect(store.revision).toBe(2)
  })

  it('has those who only looked at its writes decided again', async () => {
    failNextCommit(full)
    const seen: unknown[] = []
    const look = () =>
      store.write(
        task('x'),
        (_current, view) => {
          seen.push(contentOf(view.get(task('a')))?.value)
          return { type: 'unchanged' }
        },
        writer,
      )
    const refuse = store.write(
      task('y'),
      (_current, view) => {
        throw new Error(`refused because of ${contentOf(view.get(task('a')))?.value}`)
      },
      writer,
    )
    const [lost, looked, refused] = await Promise.allSettled([put(store, task('a'), { value: 'lost' }), look(), refuse])
    expect(lost.status).toBe('rejected')
    expect(looked).toMatchObject({ status: 'fulfilled', value: { outcome: 'unchanged' } })
    expect(seen).toEqual(['lost', 'before'])
    expect(refused).toMatchObject({ reason: { message: 'refused because of before' } })
  })

  it('counts as committed when its rows are found, and is published before the next write', async () => {
    const heard: Change[] = []
    store.onCommit(({ changes }) => heard.push(...changes))
    failNextCommit({ fault: 'disk-full', when: 'after' })
    await failureOf(Promise.all([put(store, task('a'), { value: 'found' }), put(store, task('b'))]))
    expect(heard).toEqual([])
    const next = await put(store, task('c'))
    expect(heard.map(({ type, revision, previous }) => [type, revision, previous?.revision])).toEqual([
      ['MODIFIED', 3, 2],
      ['ADDED', 4, undefined],
      ['ADDED', next.object?.revision, undefined],
    ])
    expect(contentOf(store.get(task('a')))?.value).toBe('found')
    expect(await store.changesSince({ ...tasks, after: 2 })).toEqual(heard)
  })

  it('never has its revisions given to another write', async () => {
    failNextCommit(full)
    await failureOf(Promise.all([put(store, task('a')), put(store, task('b'))]))
    expect((await put(store, task('c'))).object?.revision).toBe(5)
  })

  it('closes writes after an I/O error until the log was reopened, while reads and watches go on', async () => {
    const listened: number[] = []
    store.onCommit(({ revision }) => listened.push(revision))
    failNextCommit(ioAfter)
    await failureOf(put(store, task('a'), { value: 'found' }))
    expect(store.writeState).toEqual({ open: false, reason: 'injected: io at commit' })
    expect((await failureOf(put(store, task('b')))).message).toContain('writes are closed until the log was reopened')
    expect(contentOf(store.get(task('a')))?.value).toBe('before')
    expect((await store.history(task('a'))).length).toBe(2)
    await healed(store)
    expect(contentOf(store.get(task('a')))?.value).toBe('found')
    expect(listened).toEqual([3])
    expect((await put(store, task('b'))).outcome).toBe('created')
  })

  it('leaves writes open to be tried when the disk is full: the first that goes through heals', async () => {
    failNextCommit(full)
    await failureOf(put(store, task('a')))
    expect(store.writeState).toEqual({ open: false, reason: 'injected: disk-full at commit' })
    await put(store, task('a'), { value: 'healed' })
    expect(store.writeState).toEqual({ open: true })
    expect(clock.timers).toBe(0)
  })

  it('is found to be over without a write, when the disk has room again', async () => {
    failNextCommit(full)
    await failureOf(put(store, task('a')))
    await healed(store)
  })
})

describe('reading a log that cannot be read', () => {
  it("answers ServiceUnavailable, and is none of the writes' business", async () => {
    const store = await openOn(
      faultyDriver(new MemoryDriver(), (_call, name) => (name === 'commit' ? undefined : { fault: 'io', when: 'unread' })),
      { recentChanges: 0 },
    )
    await put(store, task('a'))
    await put(store, task('a'))
    for (const read of [store.listAt({ ...tasks, revision: 2 }), store.history(task('a'))])
      expect(await failureOf(read)).toMatchObject({
        reason: 'ServiceUnavailable',
        message: expect.stringContaining('the log could not be read'),
      })
    expect((await put(store, task('a'))).outcome).toBe('updated')
    expect(store.writeState).toEqual({ open: true })
    await store.close()
  })
})

describe('a compaction that fails', () => {
  it('closes writes as a commit would, is refused itself while they are, and can be asked for again', async () => {
    let broken = false
    const store = await openOn(faultyDriver(new MemoryDriver(), (_call, name) => (broken && name === 'drop' ? ioBefore : undefined)))
    for (let n = 0; n < 5; n++) await put(store, lease('a'), { value: n })
    broken = true
    expect((await failureOf(store.compact(5))).message).toBe('injected: io at drop')
    expect(store.writeState.open).toBe(false)
    broken = false
    expect((await failureOf(store.compact(6))).message).toContain('writes are closed until the log was reopened')
    await healed(store)
    await store.compact(6)
    expect(await store.history(lease('a'))).toHaveLength(1)
    await store.close()
  })
})

describe('healing', () => {
  it('is tried again with back-off for as long as it fails', async () => {
    let broken = true
    const tries: string[] = []
    const store = await openOn(
      faultyDriver(new MemoryDriver(), (_call, name) => {
        if (name !== 'commit') tries.push(name)
        return broken ? ioBefore : undefined
      }),
    )
    await failureOf(put(store, task('a')))
    for (const waitMs of [500, 1000, 2000, 4000, 8000, 15_000, 15_000]) {
      const before = tries.length
      await clock.advance(waitMs - 1)
      expect(tries.length).toBe(before)
      await clock.advance(1)
      await eventually(() => tries.length === before + 1 && clock.timers === 1)
    }
    broken = false
    await clock.advance(15_000)
    await eventually(() => store.writeState.open)
    expect(tries.slice(-2)).toEqual(['reopen', 'probe'])
    expect((await put(store, task('a'))).outcome).toBe('created')
    await store.close()
    expect(clock.timers).toBe(0)
  })
})

const places = [
  {
    name: 'memory',
    create: async () => ({
      driver: (
        (driver) => () =>
          driver
      )(new MemoryDriver()),
      clean: async () => {},
    }),
  },
  {
    name: 'SQLite',
    create: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'millrace-faults-'))
      return { driver: () => new SqliteDriver(join(directory, 'millrace.db')), clean: () => rm(directory, { recursive: true }) }
    },
  },
]

const faults = (['io', 'disk-full'] as const).flatMap((fault) => (['unread', 'before', 'after'] as const).map((when) => ({ fault, when })))
const long = process.env.MILLRACE_TEST_LONG === '1'

describe.each(places)('on $name, a failure at every call in turn', ({ name, create }) => {
  it.each(name === 'memory' || long ? faults : [ioAfter])('loses no answer: $fault, $when', { timeout: 300_000 }, async (fault) => {
    for (let failing = 1; ; failing++) {
      const { driver, clean } = await create()
      const faulty = faultyDriver(driver(), (call) => (call === failing ? fault : undefined))
      await runScenario(faulty, driver)
      await clean()
      if (faulty.calls < failing) {
        expect(failing).toBeGreaterThan(20)
        break
      }
    }
  })
})

/**
 * Writes, deletes, reads and compacts over a driver that fails somewhere, then compares what was answered, what was told and what is there.
 */
async function runScenario(faulty: FaultyDriver, again: () => LogDriver): Promise<void> {
  const store = await openOn(faulty)
  const heard: Change[] = []
  store.onCommit(({ changes }) => heard.push(...changes))
  const acknowledged: WriteResult[] = []
  const attempt = async (write: Promise<WriteResult>) => {
    const result = await write.catch(() => undefined)
    if (result?.object && result.outcome !== 'unchanged') acknowledged.push(result)
  }
  for (let round = 0; round < 6; round++) {
    await Promise.all([
      attempt(put(store, task('a'), { value: round, claims: [`port=${round % 2}`] })),
      attempt(put(store, task(`ns-${round}/b`), { claims: [`port=${round % 2}`] })),
      attempt(put(store, lease('l'), { value: round })),
    ])
    await attempt(remove(store, task(`ns-${round - 1}/b`)))
    await attempt(put(store, secret('s'), { value: round }))
    if (round % 2 === 1) await store.compact(Math.max(1, store.revision - 3)).catch(() => {})
    await store.history(task('a')).catch(() => {})
    await healed(store)
  }
  await attempt(put(store, task('last')))
  await healed(store)
  await attempt(put(store, task('last')))
  await healed(store)

  const revisions = heard.map((change) => change.revision)
  expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
  for (const { object, outcome } of acknowledged) {
    const change = heard.find(({ revision }) => revision === object?.revision)
    expect(change?.object).toEqual(object)
    expect(change?.type).toBe({ created: 'ADDED', updated: 'MODIFIED', deleted: 'DELETED', unchanged: '' }[outcome])
  }
  const replayed = new Map<string, string>()
  for (const { type, object } of heard) {
    if (type === 'DELETED') replayed.delete(JSON.stringify(object.key))
    else replayed.set(JSON.stringify(object.key), object.bytes.toString())
  }
  const stateOf = (of: Store) =>
    [
      ...of.list(tasks).objects,
      ...of.list({ group: '', resource: 'secrets' }).objects,
      ...of.list({ group: 'coordination.k8s.io', resource: 'leases' }).objects,
    ].map(({ key, bytes }): [string, string] => [JSON.stringify(key), bytes.toString()])
  expect(new Map(stateOf(store))).toEqual(replayed)
  const { revision, compactRevision } = store
  await store.close()

  const reopened = await openOn(again())
  expect(reopened.revision).toBe(revision)
  expect(reopened.compactRevision).toBeGreaterThanOrEqual(compactRevision)
  expect(new Map(stateOf(reopened))).toEqual(replayed)
  const floor = reopened.compactRevision
  const told = heard.filter((change) => change.revision > floor && change.object.key.resource === 'tasks')
  expect(await reopened.changesSince({ ...tasks, after: floor })).toEqual(told)
  if (floor > 0) expect(isExpired(await failureOf(reopened.changesSince({ ...tasks, after: floor - 1 })))).toBe(true)
  expect(namesOf(reopened.list(tasks).objects)).toContain('default/last')
  await reopened.close()
}

describe('rekeying that is interrupted at every call in turn', () => {
  it.each([ioBefore, ioAfter])(
    'leaves every sealed row openable with both keys, and finishes when run again: $fault $when',
    async (fault) => {
      const fresh = new Keyring([createSealingKey()])
      const both = new Keyring([fresh.primary, keyring.primary])
      for (let failing = 1; ; failing++) {
        const inner = new MemoryDriver()
        const store = await openOn(inner)
        await Promise.all(Array.from({ length: 450 }, (_, n) => put(store, secret(`s${n}`), { value: n })))
        await store.close()
        const broken = faultyDriver(inner, (call) => (call === failing ? fault : undefined))
        const interrupted = await resealLog(broken, both).catch(() => undefined)
        const between = await openStore({ driver: inner, policyOf, keyring: both, clock })
        expect(between.count('', 'secrets')).toBe(450)
        await between.close()
        await resealLog(inner, both)
        const after = await openStore({ driver: inner, policyOf, keyring: fresh, clock })
        expect(contentOf(after.get(secret('s449')))?.value).toBe(449)
        await after.close()
        if (interrupted !== undefined) break
      }
    },
  )
})
