import { ApiError, expired, serviceUnavailable } from '../../lib/api/api-error.js'
import type { ObjectKey } from '../../lib/api/object-key.js'
import type { Keyring } from './keyring.js'
import type { LogDriver } from './log-driver.js'
import { changeOfStep, objectOfRow } from './log-row.js'
import type { Change, ListQuery, LogEntry, StoredObject } from './store.js'

const pageRows = 500

/** Reads the log behind the current view. Nothing below the floor is answered, even when the floor rises while reading. */
export class PastReader {
  constructor(
    private readonly options: {
      readonly driver: LogDriver
      readonly keyring: Keyring
      readonly floor: () => number
    },
  ) {}

  async listAt(
    query: ListQuery & { revision: number; after?: { namespace: string; name: string } | undefined; limit?: number | undefined },
  ): Promise<StoredObject[]> {
    const { driver, keyring } = this.options
    const { group, resource, namespace, revision, indexed, limit = Number.POSITIVE_INFINITY } = query
    const objects: StoredObject[] = []
    let after = query.after
    while (objects.length < limit) {
      this.checkFloor(revision)
      const asked = indexed ? pageRows : Math.min(pageRows, limit - objects.length)
      const rows = await readable(driver.snapshot({ group, resource, namespace, revision, after, limit: asked }))
      this.checkFloor(revision)
      for (const row of rows) {
        const object = objectOfRow(row, keyring)
        if (objects.length < limit && (!indexed || object.facets.fields[indexed.path] === indexed.value)) objects.push(object)
      }
      after = rows.at(-1)?.key
      if (rows.length < asked) break
    }
    return objects
  }

  async changes(query: { group: string; resource: string; after: number; upTo: number }): Promise<Change[]> {
    const { driver, keyring } = this.options
    const changes: Change[] = []
    let after = query.after
    for (;;) {
      this.checkFloor(query.after)
      const steps = await readable(driver.steps({ ...query, after, limit: pageRows }))
      this.checkFloor(query.after)
      for (const step of steps) changes.push(changeOfStep(step, keyring))
      after = steps.at(-1)?.row.revision ?? after
      if (steps.length < pageRows) return changes
    }
  }

  async history(key: ObjectKey): Promise<LogEntry[]> {
    const rows = await readable(this.options.driver.rowsOf(key))
    return rows.map((row, index) => {
      const before = rows[index - 1]
      const previous = before?.revision === row.previousRevision ? before : undefined
      const { actor, requestId, timeMs } = row
      return { change: changeOfStep({ row, previous }, this.options.keyring), actor, requestId, timeMs }
    })
  }

  /** Throws Expired when `revision` lies below the floor. */
  checkFloor(revision: number): void {
    const floor = this.options.floor()
    if (revision < floor) throw expired(`The resourceVersion ${revision} is too old: the oldest that can still be read is ${floor}`)
  }
}

async function readable<T>(read: Promise<T>): Promise<T> {
  try {
    return await read
  } catch (error) {
    throw serviceUnavailable(`the log could not be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

/** The error that clients know for a revision that does not exist yet: they wait and try again. */
export function tooLargeRevision(asked: number, current: number): ApiError {
  return new ApiError('Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    details: { causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }], retryAfterSeconds: 1 },
  })
}
