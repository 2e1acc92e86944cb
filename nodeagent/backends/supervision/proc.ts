import { readdir, readFile } from 'node:fs/promises'

/** A process as /proc shows it. pid and startTime together name it: pids are used again. */
export interface ProcessStat {
  readonly pid: number
  /** One letter: R, S, D, T (stopped), Z (ended, not collected)… */
  readonly state: string
  readonly parent: number
  readonly group: number
  readonly session: number
  /** Ticks after boot. */
  readonly startTime: string
  readonly residentBytes: number
  /** Of itself and of those children that have ended and were waited for. */
  readonly cpuNanos: number
}

const pageBytes = 4096
const nanosPerTick = 10_000_000

/** Undefined when there is no such process. */
export async function readProcess(pid: number): Promise<ProcessStat | undefined> {
  let text: string
  try {
    text = await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return undefined
  }
  // The name is in parentheses and may hold anything, parentheses included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, parent, group, session] = fields
  const startTime = fields[19]
  if (!state || !startTime) return undefined
  return {
    pid,
    state,
    parent: Number(parent),
    group: Number(group),
    session: Number(session),
    startTime,
    residentBytes: Number(fields[21]) * pageBytes,
    cpuNanos: fields.slice(11, 15).reduce((ticks, field) => ticks + Number(field), 0) * nanosPerTick,
  }
}

/** Every process of the machine. */
export async function listProcesses(): Promise<ProcessStat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const processes = await Promise.all(pids.map((pid) => readProcess(Number(pid))))
  return processes.filter((process) => process !== undefined)
}

/** What `root` started, directly or not. */
export function descendantsOf(root: number, processes: readonly ProcessStat[]): ProcessStat[] {
  const children = new Map<number, ProcessStat[]>()
  for (const process of processes) {
    const siblings = children.get(process.parent)
    if (siblings) siblings.push(process)
    else children.set(process.parent, [process])
  }
  const found: ProcessStat[] = []
  const parents = [root]
  for (let parent = parents.pop(); parent !== undefined; parent = parents.pop())
    for (const child of children.get(parent) ?? []) {
      found.push(child)
      parents.push(child.pid)
    }
  return found
}

/** What `root` started, directly or not, as the kernel lists it: cheaper than looking at every process. */
export async function pidsBelow(root: number): Promise<number[]> {
  const threads = await readdir(`/proc/${root}/task`).catch(() => [])
  const texts = await Promise.all(threads.map((thread) => readFile(`/proc/${root}/task/${thread}/children`, 'utf8').catch(() => '')))
  const children = texts.flatMap((text) => text.split(' ').filter(Boolean).map(Number))
  return [...children, ...(await Promise.all(children.map(pidsBelow))).flat()]
}

/** The environment of a process, `NAME=value` each; empty when it may not be read. */
export async function readEnvironment(pid: number): Promise<string[]> {
  try {
    return (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0').filter((entry) => entry !== '')
  } catch {
    return []
  }
}

/** Changes at every boot: start times count from it. */
export async function readBootId(): Promise<string> {
  return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim()
}

/** Sends a signal; false when there is no such process. A negative pid names a group. */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal)
    return true
  } catch {
    return false
  }
}
