/**
 * What an agent says when it is asked how loaded its node is: never stored. The reader takes what it can use and leaves the rest, for an
 * agent may be of another version, or not honest.
 */

/** How much is used: cores over the window, and bytes now. */
export interface Usage {
  readonly cpuCores: number
  readonly memoryBytes: number
  /** The time that the CPU was watched, which ended when the answer was given. */
  readonly windowMs: number
}

/** A device that tells how hot it is. */
export interface Temperature {
  readonly label: string
  readonly celsius: number
}

export interface GpuUsage {
  readonly index: number
  /** Of the time, 0 to 100. */
  readonly utilizationPercent?: number
  readonly memoryUsedBytes?: number
  readonly memoryTotalBytes?: number
  readonly celsius?: number
}

export interface MachineUsage extends Usage {
  readonly diskUsedBytes: number
  /** Of the last minute, five and fifteen. */
  readonly load: readonly number[]
  readonly temperatures: readonly Temperature[]
  readonly gpus: readonly GpuUsage[]
}

export interface WorkloadUsage extends Usage {
  readonly kind: 'Task' | 'Vps'
  readonly uid: string
  readonly attempt: number
}

/** The body of `GET /stats`. */
export interface NodeStats {
  readonly machine?: MachineUsage
  readonly workloads: readonly WorkloadUsage[]
}

/** Reads an answer. Amounts that are none are left out, with what needs them. */
export function readNodeStats(text: string): NodeStats {
  const { machine, workloads } = fields(JSON.parse(text))
  const read = readMachine(fields(machine))
  return {
    ...(read ? { machine: read } : {}),
    workloads: list(workloads).flatMap((entry) => readWorkload(fields(entry)) ?? []),
  }
}

type Unread = Readonly<Record<string, unknown>>

function readMachine(said: Unread): MachineUsage | undefined {
  const usage = readUsage(said)
  const diskUsedBytes = amount(said.diskUsedBytes)
  if (!usage || diskUsedBytes === undefined) return undefined
  return {
    ...usage,
    diskUsedBytes,
    load: list(said.load).flatMap((value) => amount(value) ?? []),
    temperatures: list(said.temperatures).flatMap((entry) => readTemperature(fields(entry)) ?? []),
    gpus: list(said.gpus).flatMap((entry) => readGpu(fields(entry)) ?? []),
  }
}

function readWorkload(said: Unread): WorkloadUsage | undefined {
  const { kind, uid } = said
  const usage = readUsage(said)
  const attempt = amount(said.attempt)
  if (!usage || (kind !== 'Task' && kind !== 'Vps') || typeof uid !== 'string' || attempt === undefined) return undefined
  return { kind, uid, attempt, ...usage }
}

function readUsage(said: Unread): Usage | undefined {
  const [cpuCores, memoryBytes, windowMs] = [said.cpuCores, said.memoryBytes, said.windowMs].map(amount)
  return cpuCores === undefined || memoryBytes === undefined || windowMs === undefined ? undefined : { cpuCores, memoryBytes, windowMs }
}

function readTemperature({ label, celsius }: Unread): Temperature | undefined {
  if (typeof label !== 'string' || typeof celsius !== 'number' || !Number.isFinite(celsius)) return undefined
  return { label: label.slice(0, longestLabel), celsius }
}

function readGpu(said: Unread): GpuUsage | undefined {
  const index = amount(said.index)
  if (index === undefined) return undefined
  const known = (['utilizationPercent', 'memoryUsedBytes', 'memoryTotalBytes', 'celsius'] as const).flatMap((name) => {
    const value = amount(said[name])
    return value === undefined ? [] : [[name, value] as const]
  })
  return { index, ...Object.fromEntries(known) }
}

const longestLabel = 100
const mostEntries = 10_000
const fields = (value: unknown): Unread => (typeof value === 'object' && value !== null ? (value as Unread) : {})
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value.slice(0, mostEntries) : [])
const amount = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined
