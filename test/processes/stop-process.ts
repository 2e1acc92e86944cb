import { readdirSync, readFileSync } from 'node:fs'
import { eventually } from '../../lib/testing/eventually.js'

/**
 * Stops a process as Ctrl-Z does; resolves when none of its threads runs any
 * more, which is a moment after its signal. SIGCONT lets it go on.
 */
export async function stopProcess(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP')
  await eventually(() => threadStates(pid).every((state) => state === 'T'))
}

/** A letter of proc(5) for each thread. */
function threadStates(pid: number): (string | undefined)[] {
  return readdirSync(`/proc/${pid}/task`).map((thread) => {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0]
  })
}
