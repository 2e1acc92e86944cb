import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { findScript } from '../find-script.js'
import { type CommandOrders, commandItems, type Item, writeOrders } from './command-orders.js'

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
  /** Whether the command may write a line to its file 20 (reportFile), which is kept with how it ended. */
  readonly report?: boolean | undefined
}

/** The number of the file by which a command reports. */
export const reportFile = 20

/** Log files of a run: this many, each this large; then the oldest goes. */
const maxLogBytes = 10 * 1024 * 1024
const maxLogFiles = 5

/** Starts a shim over a run. Resolves once the command was let go, or another shim was first; rejects with what the shim said. */
export async function startShim(orders: RunOrders): Promise<void> {
  const shim = spawnShim(orders.searchPath, [
    ['mode', 'run'],
    ['prefix', orders.prefix],
    ['label', orders.label],
    ['log', orders.logFile],
    ['maxBytes', String(orders.maxBytes ?? maxLogBytes)],
    ['maxFiles', String(orders.maxFiles ?? maxLogFiles)],
    ...(orders.report ? [['report', '1'] as const] : []),
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

function spawnShim(searchPath: string, items: readonly Item[]): ChildProcessWithoutNullStreams {
  const shim = spawn('perl', [findScript('supervision/shim.pl')], {
    detached: true,
    cwd: '/',
    env: { PATH: searchPath },
    stdio: 'pipe',
  })
  writeOrders(shim.stdin, items).end()
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
