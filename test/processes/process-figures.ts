import { readdirSync, readFileSync } from 'node:fs'

/** What a process has used so far and holds now, from /proc. */
export interface ProcessFigures {
  /** CPU time of all its threads, milliseconds. */
  cpuMs(): number
  /** The same, and that of the programs that it runs and has run to their end, in steps of 10 ms. */
  cpuWithEndedMs(): number
  /** Resident memory, bytes: pages that it shares with other processes are counted whole. */
  residentBytes(): number
  /** Resident memory with shared pages divided among those that share them, bytes: what adds up over processes. */
  proportionalBytes(): number
}

export function figuresOf(pid: number): ProcessFigures {
  return {
    cpuMs: () => threadsOf(pid).reduce((sum, thread) => sum + onCpuNs(pid, thread), 0) / 1e6,
    cpuWithEndedMs: () => withProgramsMs(pid),
    residentBytes: () => kibibytes(`/proc/${pid}/status`, /VmRSS:\s+(\d+)/),
    proportionalBytes: () => kibibytes(`/proc/${pid}/smaps_rollup`, /^Pss:\s+(\d+)/m),
  }
}

function withProgramsMs(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  return ticksOf(pid) * 10 + children.reduce((sum, child) => sum + whereThere(() => withProgramsMs(child)), 0)
}

/** utime, stime, cutime and cstime, behind a name that may have spaces. */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0)
}

const threadsOf = (pid: number) => readdirSync(`/proc/${pid}/task`)

/**
 * The scheduler's own account: nanoseconds, where /proc/PID/stat counts in
 * hundredths of a second. A thread that ended meanwhile counts nothing.
 */
function onCpuNs(pid: number, thread: string): number {
  return whereThere(() => Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]))
}

function whereThere(figure: () => number): number {
  try {
    return figure()
  } catch {
    return 0
  }
}

function kibibytes(file: string, field: RegExp): number {
  return Number(field.exec(readFileSync(file, 'utf8'))?.[1] ?? Number.NaN) * 1024
}
