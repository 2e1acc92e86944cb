import { createHash } from 'node:crypto'
import type { UserRange } from './workload-users.js'

/**
 * A user of the range that is not taken. Begins at a place that the workload's name
 * decides: who had one yesterday is seldom somebody else today.
 */
export function pickUserId(uid: string, attempt: number, taken: ReadonlySet<number>, range: UserRange): number {
  const start = createHash('sha256').update(`${uid}.${attempt}`).digest().readUInt32BE(0) % range.count
  for (let offset = 0; offset < range.count; offset++) {
    const id = range.first + ((start + offset) % range.count)
    if (!taken.has(id)) return id
  }
  throw new Error(`all ${range.count} users from ${range.first} on are taken`)
}
