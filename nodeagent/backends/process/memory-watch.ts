import { descendantsOf, listProcesses } from '../supervision/proc.js'

/** A run whose memory is watched: everything below its shim counts. */
export interface WatchedRun {
  readonly key: string
  readonly shimPid: number
  readonly limitBytes: number
}

const periodMs = 1000

/** Looks at the resident memory of runs every second and calls `onExceeded` for those above their limit. Returns how to stop. */
export function watchMemory<Run extends WatchedRun>(
  runs: () => Promise<readonly Run[]>,
  onExceeded: (run: Run, usedBytes: number) => Promise<void>,
): () => void {
  let looking = false
  const look = async () => {
    const watched = await runs()
    if (watched.length === 0) return
    const processes = await listProcesses()
    for (const run of watched) {
      const usedBytes = descendantsOf(run.shimPid, processes).reduce((sum, process) => sum + process.residentBytes, 0)
      if (usedBytes > run.limitBytes) await onExceeded(run, usedBytes)
    }
  }
  const timer = setInterval(() => {
    if (looking) return
    looking = true
    look()
      .catch(() => {}) // a run that went while it was looked at; the next turn sees the truth
      .finally(() => {
        looking = false
      })
  }, periodMs)
  timer.unref()
  return () => clearInterval(timer)
}
