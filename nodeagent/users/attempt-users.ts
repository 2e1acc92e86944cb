import { pickUserId } from './pick-user-id.js'
import type { UserRange } from './workload-users.js'

/** The users of an agent's attempts, none of which two have: each is written down in its workload's ledger. */
export class AttemptUsers {
  private readonly taken = new Set<number>()

  /** Without a range there is none to give. */
  constructor(private readonly range: UserRange = { first: 0, count: 0 }) {}

  /** An attempt has it already, from whichever range. */
  take(userId: number): void {
    this.taken.add(userId)
  }

  /** The caller writes it down before anything is its. */
  give(uid: string, attempt: number): number {
    const userId = pickUserId(uid, attempt, this.taken, this.range)
    this.taken.add(userId)
    return userId
  }

  release(userId: number): void {
    this.taken.delete(userId)
  }
}
