import { createHash } from 'node:crypto'

/** Users of attempts are taken from here; nobody else on the machine should have them. */
export interface UserRange {
  readonly first: number
  readonly count: number
}

export const defaultUserRange: UserRange = { first: 200_000, count: 65_536 }

/** Users of virtual machines that stay, behind those of attempts. */
export const machineUserRange: UserRange = { first: defaultUserRange.first + defaultUserRange.count, count: 65_536 }

/** A user that no other attempt of this agent has. Begins at a place that the attempt's name decides, so that two agents of one machine rarely meet. */
export function pickUserId(uid: string, attempt: number, taken: ReadonlySet<number>, range: UserRange = defaultUserRange): number {
  const start = createHash('sha256').update(`${uid}.${attempt}`).digest().readUInt32BE(0) % range.count
  for (let offset = 0; offset < range.count; offset++) {
    const id = range.first + ((start + offset) % range.count)
    if (!taken.has(id)) return id
  }
  throw new Error(`all ${range.count} users from ${range.first} on are taken`)
}
