/** A driver that fails where a test wants it to. */
import { type CommitTurn, type LogDriver, LogFault } from '../log-driver.js'

/** `unread`: the call failed at once; `before`: a commit was decided, but not written; `after`: it was done, and the answer was lost. */
export interface PlannedFault {
  readonly fault: LogFault['fault']
  readonly when: 'unread' | 'before' | 'after'
}

export interface FaultyDriver extends LogDriver {
  /** Calls since it was made, of everything but `open`, `load` and `close`. */
  readonly calls: number
}

/** Asks `plan` about each call, by its number from 1 and its name. */
export function faultyDriver(inner: LogDriver, plan: (call: number, name: string) => PlannedFault | undefined): FaultyDriver {
  let calls = 0
  const risky =
    <Args extends unknown[], Result>(name: string, call: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      const planned = plan(++calls, name)
      const result = planned && planned.when !== 'after' ? undefined : await call(...args)
      if (planned?.when === 'before' && name === 'commit') await decideOnly(inner, args[0] as CommitTurn)
      if (planned) throw new LogFault(planned.fault, `injected: ${planned.fault} at ${name}`)
      return result as Result
    }
  return {
    get calls() {
      return calls
    },
    open: () => inner.open(),
    load: (onPage) => inner.load(onPage),
    close: () => inner.close(),
    reopen: risky('reopen', () => inner.reopen()),
    commit: risky('commit', (turn) => inner.commit(turn)),
    probe: risky('probe', () => inner.probe()),
    steps: risky('steps', (range) => inner.steps(range)),
    snapshot: risky('snapshot', (query) => inner.snapshot(query)),
    rowsOf: risky('rowsOf', (key) => inner.rowsOf(key)),
    mark: risky('mark', (marks) => inner.mark(marks)),
    links: risky('links', (range) => inner.links(range)),
    excess: risky('excess', (query) => inner.excess(query)),
    drop: risky('drop', (revisions) => inner.drop(revisions)),
    sealedRows: risky('sealedRows', (after, limit) => inner.sealedRows(after, limit)),
    reseal: risky('reseal', (rows) => inner.reseal(rows)),
  }
}

/** Has the turn decided, and writes nothing of it. */
function decideOnly(driver: LogDriver, turn: CommitTurn): Promise<void> {
  const decide: CommitTurn['decide'] = (found) => {
    turn.decide(found)
    return []
  }
  return driver.commit({ ...turn, decide })
}
