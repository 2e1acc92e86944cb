import { printKey } from '../../lib/api/object-key.js'
import type { LogDriver, LogLink, LogMarks } from './log-driver.js'
import type { ResourcePolicy } from './store.js'

/** How much history of a kind that keeps it stays below the floor, for `history` alone. What exceeds either bound goes. */
export interface HistoryBounds {
  readonly maxRevisions: number
  readonly maxAgeMs: number
}

export const defaultHistoryBounds: HistoryBounds = { maxRevisions: 100, maxAgeMs: 90 * 24 * 3600 * 1000 }

export interface CompactionOptions {
  readonly driver: LogDriver
  readonly policyOf: (group: string, resource: string) => ResourcePolicy
  readonly bounds: HistoryBounds
  readonly now: () => number
  /** Runs a write to the log between two batches. */
  readonly exclusive: <T>(job: () => Promise<T>) => Promise<T>
  /** Whether to stop between two steps. */
  readonly stopped: () => boolean
}

const stepRows = 300

/**
 * Drops what nobody may read any more. A row can go once a newer row of its key lies at or below the floor; a
 * deletion's row can go once it lies there itself. So each row, when a pass visits it, frees its predecessor, and a
 * deletion frees itself too: every row is visited once per pass.
 *
 * Two passes, each with its own mark: up to the floor, kinds without history are freed, and of the others what exceeds the number of
 * revisions; up to the newest row that is older than the age, everything is.
 */
export class Compaction {
  private dropping = Promise.resolve()

  constructor(
    private readonly options: CompactionOptions,
    private marks: LogMarks,
  ) {}

  get floor(): number {
    return this.marks.compactRevision
  }

  /** The floor is raised, durably, before anything is dropped. */
  async raiseFloor(revision: number): Promise<void> {
    if (revision > this.marks.compactRevision) await this.keepMarks({ compactRevision: revision })
  }

  /** Passes run one after another, whoever asks for them. */
  drop(): Promise<void> {
    const pass = async () => {
      await this.dropByRetention()
      await this.dropByAge()
    }
    this.dropping = this.dropping.then(pass, pass)
    return this.dropping
  }

  private async dropByRetention(): Promise<void> {
    const { driver, bounds, policyOf } = this.options
    for (
      let links = await this.linksAfter(this.marks.compactedTo);
      links.length > 0;
      links = await this.linksAfter(this.marks.compactedTo)
    ) {
      const keeps = (link: LogLink) => policyOf(link.key.group, link.key.resource).history === 'keep'
      const keys = new Map(links.filter(keeps).map((link) => [printKey(link.key), link.key]))
      const excess = keys.size === 0 ? [] : await driver.excess({ keys: [...keys.values()], keep: bounds.maxRevisions, upTo: this.floor })
      await this.dropStep([...freedBy(links.filter((link) => !keeps(link))), ...excess], { compactedTo: lastOf(links) })
      if (this.options.stopped()) return
    }
  }

  private async dropByAge(): Promise<void> {
    const oldest = this.options.now() - this.options.bounds.maxAgeMs
    for (let links = await this.linksAfter(this.marks.agedTo); links.length > 0; links = await this.linksAfter(this.marks.agedTo)) {
      const young = links.findIndex((link) => link.timeMs >= oldest)
      const aged = young < 0 ? links : links.slice(0, young)
      if (aged.length > 0) await this.dropStep(freedBy(aged), { agedTo: lastOf(aged) })
      if (young >= 0 || this.options.stopped()) return
    }
  }

  private linksAfter(after: number): Promise<readonly LogLink[]> {
    return this.options.driver.links({ after, upTo: this.floor, limit: stepRows })
  }

  private async dropStep(revisions: readonly number[], marks: Partial<LogMarks>): Promise<void> {
    if (revisions.length > 0) await this.options.exclusive(() => this.options.driver.drop(revisions))
    await this.keepMarks(marks)
  }

  private keepMarks(change: Partial<LogMarks>): Promise<void> {
    return this.options.exclusive(async () => {
      const compactRevision = Math.max(this.marks.compactRevision, change.compactRevision ?? 0)
      const marks = { ...this.marks, ...change, compactRevision }
      await this.options.driver.mark(marks)
      this.marks = marks
    })
  }
}

/** The rows that these rows made superfluous. */
function freedBy(links: readonly LogLink[]): number[] {
  return links.flatMap((link) => [
    ...(link.previousRevision > 0 ? [link.previousRevision] : []),
    ...(link.type === 'DELETED' ? [link.revision] : []),
  ])
}

const lastOf = (links: readonly LogLink[]) => links.at(-1)?.revision ?? 0
