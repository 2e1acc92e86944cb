import { expect } from 'vitest'
import { parseKey } from '../../../lib/api/object-key.js'
import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { openSqliteStore } from '../open-sqlite-store.js'
import type { LogEntry } from '../store.js'
import { contentOf, policyOf } from './store-writes.js'

/** A write that `kill-writer` was told of as done. */
export interface Acknowledged {
  readonly revision: number
  readonly key: string
  readonly value: string
}

/** What a line that `kill-writer` printed says; undefined for one that was cut off, or is not its. */
export function readAcknowledged(line: string): Acknowledged | undefined {
  const [, revision, key = '', value = ''] = /^(\d+) (\S+) (\d+-\d+-\d+) x{500}$/.exec(line) ?? []
  return revision === undefined ? undefined : { revision: Number(revision), key, value }
}

/** Every answer is in the log, with its value. Returns the newest revision that is there. */
export async function expectInLog(directory: string, answers: readonly Acknowledged[]): Promise<number> {
  const store = await openSqliteStore({ directory, policyOf, clock: new ManualClock() })
  const histories = new Map<string, Map<number, LogEntry>>()
  for (const { revision, key, value } of answers) {
    const history = histories.get(key) ?? new Map((await store.history(parseKey(key))).map((entry) => [entry.change.revision, entry]))
    histories.set(key, history)
    expect(String(contentOf(history.get(revision)?.change.object)?.value), `${key} at revision ${revision}`).toContain(value)
    const current = store.get(parseKey(key))
    const newest = [...history.values()].at(-1)
    expect(current?.revision).toBe(newest?.change.type === 'DELETED' ? undefined : newest?.change.revision)
  }
  const { revision } = store
  await store.close()
  return revision
}
