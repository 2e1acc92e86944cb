import type { Change } from './store.js'

/** The newest changes, in memory, within bounds of number and bytes: what most watches resume from. */
export class RecentChanges {
  private changes: (Change | undefined)[] = []
  private start = 0
  private bytes = 0

  /** `floor`: the revision after which every change is here. */
  constructor(
    private floor: number,
    private readonly maxChanges = 16_384,
    private readonly maxBytes = 32 * 1024 * 1024,
  ) {}

  push(change: Change): void {
    this.changes.push(change)
    this.bytes += change.object.bytes.length
    while (this.changes.length - this.start > this.maxChanges || (this.bytes > this.maxBytes && this.changes.length - this.start > 1))
      this.shift()
    if (this.start > this.maxChanges) {
      this.changes = this.changes.slice(this.start)
      this.start = 0
    }
  }

  /** The changes of a resource with revision > `after` and <= `upTo`, or undefined when some of them are no longer here. */
  since(group: string, resource: string, after: number, upTo: number): Change[] | undefined {
    if (after < this.floor) return undefined
    const found: Change[] = []
    for (let index = this.firstAbove(after); index < this.changes.length; index++) {
      const change = this.changes[index]
      if (!change || change.revision > upTo) break
      if (change.object.key.resource === resource && change.object.key.group === group) found.push(change)
    }
    return found
  }

  private shift(): void {
    const oldest = this.changes[this.start]
    if (!oldest) return
    this.changes[this.start++] = undefined
    this.floor = oldest.revision
    this.bytes -= oldest.object.bytes.length
  }

  private firstAbove(revision: number): number {
    let low = this.start
    let high = this.changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.changes[middle]?.revision ?? 0) <= revision) low = middle + 1
      else high = middle
    }
    return low
  }
}
