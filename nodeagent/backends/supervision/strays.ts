import { sleep, systemClock } from '../../../lib/base/clock.js'
import type { Cgroups } from '../cgroups/cgroups.js'
import { listProcesses, readEnvironment, signalProcess } from './proc.js'

/**
 * Ends what a run left behind when its shim was killed, so that nobody collected its orphans: everything in its groups, and everything that
 * carries its mark in the environment. Resolves when nothing is left.
 */
export async function endStrays(key: string, cgroups: Cgroups | undefined, signal: AbortSignal): Promise<void> {
  for (let pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 500)) {
    const grouped = cgroups ? await cgroups.pids(key) : await findMarked(key)
    if (grouped.length === 0) return
    for (const pid of grouped) signalProcess(pid, 'SIGKILL')
    await cgroups?.thaw(key)
    await sleep(systemClock, pauseMs, signal)
  }
}

/** Processes whose environment holds MILLRACE_RUN=KEY. One that hides its environment hides here too: that needs control groups. */
async function findMarked(key: string): Promise<number[]> {
  const mark = `MILLRACE_RUN=${key}`
  const processes = (await listProcesses()).filter((process) => process.state !== 'Z')
  const marked = await Promise.all(processes.map(async ({ pid }) => ((await readEnvironment(pid)).includes(mark) ? pid : undefined)))
  return marked.filter((pid) => pid !== undefined)
}
