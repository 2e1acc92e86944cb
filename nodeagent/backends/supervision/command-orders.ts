import type { Writable } from 'node:stream'

/** What a command shall become, and where. */
export interface CommandOrders {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workingDirectory: string
  readonly userId?: number | undefined
  /** Where perl is found; the command has its own in `env`. */
  readonly searchPath: string
  /** What the command reads on standard input; kept in memory alone. Default: nothing. */
  readonly input?: string | undefined
  /** Files into which the command's pid is written before it runs. */
  readonly cgroupFiles?: readonly string[] | undefined
}

export type Item = readonly [key: string, value: string]

export function commandItems(orders: CommandOrders): Item[] {
  return [
    ['cwd', orders.workingDirectory],
    ...(orders.userId === undefined ? [] : [['uid', String(orders.userId)] as const]),
    ...(orders.input === undefined ? [] : [['input', orders.input] as const]),
    ...(orders.cgroupFiles ?? []).map((file) => ['cgroup', file] as const),
    ...Object.entries(orders.env).map(([name, value]) => ['env', `${name}=${value}`] as const),
    ...orders.command.map((word) => ['arg', word] as const),
  ]
}

/** Gives a script its orders, through a pipe: arguments and the environment of a process can be read by others. */
export function writeOrders<W extends Writable>(pipe: W, items: readonly Item[]): W {
  for (const [key, value] of items) if (value.includes('\0')) throw new Error(`the ${key} of a run may not hold a NUL character`)
  pipe.on('error', () => {}) // it ended first; what it said tells why
  pipe.write([...items, ['end', '']].map(([key, value]) => `${key}=${value}\0`).join(''))
  return pipe
}
