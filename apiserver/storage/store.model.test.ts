import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printKey } from '../../lib/api/object-key.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { openStore } from './create-store.js'
import { MemoryDriver } from './drivers/memory/memory-driver.js'
import { SqliteDriver } from './drivers/sqlite/sqlite-driver.js'
import { createSealingKey, Keyring } from './keyring.js'
import type { LogDriver } from './log-driver.js'
import type { Store } from './store.js'
import { contentOf, lease, policyOf, put, remove, secret, task } from './testing/store-writes.js'

/** One write. `key` names one of a few objects, so that writes meet. */
interface Write {
  readonly key: number
  readonly type: 'put' | 'delete'
  readonly value: number
  readonly claim: number | undefined
}
/** Writes that are sent together, or what else happens to a store. */
type Step = { type: 'write'; writes: Write[] } | { type: 'compact'; back: number } | { type: 'restart' }

const keys = [task('a'), task('b'), task('ns-1/a'), task('ns-10/a'), task('a-b/x'), lease('a'), lease('ns-1/b'), secret('a')]
const resources = [...new Map(keys.map(({ group, resource }) => [resource, { group, resource }])).values()]

const write = fc.record({
  key: fc.nat(keys.length - 1),
  type: fc.constantFrom('put' as const, 'put' as const, 'delete' as const),
  value: fc.nat(99),
  claim: fc.option(fc.nat(2), { nil: undefined, freq: 3 }),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ type: fc.constant('write' as const), writes: fc.array(write, { minLength: 1, maxLength: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), back: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.constant({ type: 'restart' as const }) },
)

interface Held {
  readonly value: number
  readonly revision: number
  readonly claims: readonly string[]
}

/** What a store should hold: the state after every revision, as values by key. */
class Model {
  readonly states: Map<string, Held>[] = [new Map(), new Map()]
  floor = 0

  get revision(): number {
    return this.states.length - 1
  }
  get now(): Map<string, Held> {
    return this.states.at(-1) ?? new Map()
  }

  /** What the store must answer. */
  write({ key, type, value, claim }: Write): 'created' | 'updated' | 'deleted' | 'unchanged' | 'Conflict' {
    const target = keys[key] ?? task('none')
    const text = printKey(target)
    const had = this.now.has(text)
    if (type === 'delete' && !had) return 'unchanged'
    const claims = claim === undefined ? [] : [`${target.resource}:${claim}`]
    const taken = [...this.now].some(([other, held]) => other !== text && held.claims.some((held) => claims.includes(held)))
    if (type === 'put' && taken) return 'Conflict'
    const next = new Map(this.now)
    if (type === 'delete') next.delete(text)
    else next.set(text, { value, revision: this.states.length, claims })
    this.states.push(next)
    return type === 'delete' ? 'deleted' : had ? 'updated' : 'created'
  }
}

describe.each([
  {
    name: 'memory',
    runs: 300,
    place: async () => ({
      driver: (
        (driver) => () =>
          driver
      )(new MemoryDriver()),
      clean: async () => {},
    }),
  },
  {
    name: 'SQLite',
    runs: 20,
    place: async () => {
      const directory = await mkdtemp(join(tmpdir(), 'millrace-model-'))
      return { driver: (): LogDriver => new SqliteDriver(join(directory, 'millrace.db')), clean: () => rm(directory, { recursive: true }) }
    },
  },
])('a store on $name', ({ runs, place }) => {
  it('does what its model does, now and at every revision above the floor', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { driver, clean } = await place()
        const keyring = new Keyring([createSealingKey()])
        const open = () => openStore({ driver: driver(), policyOf, keyring, clock: new ManualClock(), recentChanges: 8 })
        let store = await open()
        try {
          const model = new Model()
          for (const step of steps) {
            if (step.type === 'write') await compareAnswers(store, model, step.writes)
            else if (step.type === 'compact') {
              model.floor = Math.max(model.floor, model.revision - step.back)
              await store.compact(model.floor)
            } else {
              await store.close()
              store = await open()
            }
            expect(await stateOf(store)).toEqual(expectedState(model.now))
          }
          await comparePast(store, model)
        } finally {
          await store.close()
          await clean()
        }
      }),
      { numRuns: runs },
    )
  })
})

async function compareAnswers(store: Store, model: Model, writes: readonly Write[]): Promise<void> {
  const answers = await Promise.all(
    writes.map(({ key, type, value, claim }) => {
      const target = keys[key] ?? task('none')
      const claims = claim === undefined ? [] : [String(claim)]
      return (type === 'delete' ? remove(store, target) : put(store, target, { value, claims })).then(
        ({ outcome }) => outcome,
        (error) => error.reason,
      )
    }),
  )
  expect(answers).toEqual(writes.map((write) => model.write(write)))
  expect(store.revision).toBe(model.revision)
}

async function comparePast(store: Store, model: Model): Promise<void> {
  expect(store.compactRevision).toBe(model.floor)
  for (let revision = Math.max(1, model.floor); revision <= model.revision; revision++) {
    const state = model.states[revision] ?? new Map()
    expect(await stateOf(store, revision)).toEqual(expectedState(state))
    for (const resource of resources) {
      const replayed = new Map([...state].filter(([text]) => text.startsWith(`${resource.group}/${resource.resource}/`)))
      for (const { type, object, previous } of await store.changesSince({ ...resource, after: revision })) {
        const text = printKey(object.key)
        expect(previous?.revision).toBe(replayed.get(text)?.revision)
        if (type === 'DELETED') replayed.delete(text)
        else replayed.set(text, { value: Number(contentOf(object)?.value), revision: object.revision, claims: [] })
      }
      const expected = [...model.now].filter(([text]) => text.startsWith(`${resource.group}/${resource.resource}/`))
      expect(expectedState(replayed)).toEqual(expectedState(new Map(expected)))
    }
  }
}

const expectedState = (state: ReadonlyMap<string, Held>) =>
  Object.fromEntries([...state].map(([text, { value, revision }]) => [text, { value, resourceVersion: String(revision) }]))

async function stateOf(store: Store, revision?: number): Promise<Record<string, unknown>> {
  const state: Record<string, unknown> = {}
  for (const resource of resources) {
    const { objects } = revision === undefined ? store.list(resource) : await store.listAt({ ...resource, revision })
    for (const object of objects) state[printKey(object.key)] = contentOf(object)
  }
  return state
}
