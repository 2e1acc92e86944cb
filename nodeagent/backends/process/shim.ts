import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Beside this file, or in the tree that a build was made from. */
const places = ['./shim.pl', '../../../../nodeagent/backends/process/shim.pl']

function findScript(): string {
  const found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((file) => existsSync(file))
  if (found === undefined) throw new Error('shim.pl is not there: the installation of millrace is not whole')
  return found
}

/** What the command shall become, and where. */
export interface CommandOrders {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly workingDirectory: string
  readonly userId?: number | undefined
  /** Where perl is found; the command has its own in `env`. */
  readonly searchPath: string
  /** Files into which the command's pid is written before it runs. */
  readonly cgroupFiles?: readonly string[] | undefined
}

export interface RunOrders extends CommandOrders {
  /** The beginning of the run's record files. */
  readonly prefix: string
  /** Shown in process lists. */
  readonly label: string
  readonly logFile: string
  /** Default: maxLogBytes and maxLogFiles. */
  readonly maxBytes?: number
  readonly maxFiles?: number
  readonly thawFile?: string | undefined
}

/** Log files of a run: this many, each this large; then the oldest goes. */
export const maxLogBytes = 10 * 1024 * 1024
export const maxLogFiles = 5

/** Starts a shim over a run. Resolves once the command was let go, or another shim was first; rejects with what the shim said. */
export async function startShim(orders: RunOrders): Promise<void> {
  const shim = spawnShim(orders.searchPath, [
    ['mode', 'run'],
    ['prefix', orders.prefix],
    ['label', orders.label],
    ['log', orders.logFile],
    ['maxBytes', String(orders.maxBytes ?? maxLogBytes)],
    ['maxFiles', String(orders.maxFiles ?? maxLogFiles)],
    ...(orders.thawFile ? [['thaw', orders.thawFile] as const] : []),
    ...commandItems(orders),
  ])
  shim.unref()
  const answer = await answerOf(shim)
  // A shim that ends without a word was not the first.
  if (answer !== '' && !answer.endsWith('started\n')) throw new Error(`the shim could not start the run: ${answer.trim()}`)
}

/** Runs a command as a run's user, in its groups, as a child of the agent. The caller reads its output and ends it. */
export function spawnInRun(orders: CommandOrders): ChildProcessWithoutNullStreams {
  return spawnShim(orders.searchPath, [['mode', 'exec'], ...commandItems(orders)])
}

type Item = readonly [key: string, value: string]

function commandItems(orders: CommandOrders): Item[] {
  return [
    ['cwd', orders.workingDirectory],
    ...(orders.userId === undefined ? [] : [['uid', String(orders.userId)] as const]),
    ...(orders.cgroupFiles ?? []).map((file) => ['cgroup', file] as const),
    ...Object.entries(orders.env).map(([name, value]) => ['env', `${name}=${value}`] as const),
    ...orders.command.map((word) => ['arg', word] as const),
  ]
}

/** Orders go through a pipe: arguments and the environment of a process can be read by others. */
function spawnShim(searchPath: string, items: readonly Item[]): ChildProcessWithoutNullStreams {
  for (const [key, value] of items) if (value.includes('\0')) throw new Error(`the ${key} of a run may not hold a NUL character`)
  const shim = spawn('perl', [findScript()], {
    detached: true,
    cwd: '/',
    env: { PATH: searchPath },
    stdio: 'pipe',
  })
  shim.stdin.on('error', () => {}) // it ended first; what it said tells why
  shim.stdin.end([...items, ['end', '']].map(([key, value]) => `${key}=${value}\0`).join(''))
  return shim
}

function answerOf(shim: ChildProcessWithoutNullStreams): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    let open = 2
    const ended = () => {
      if (--open === 0) resolve(answer)
    }
    for (const stream of [shim.stdout, shim.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        answer += chunk.toString()
      })
      stream.on('close', ended)
    }
    shim.on('error', reject)
  })
}
