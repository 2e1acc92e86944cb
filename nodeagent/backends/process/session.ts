import { spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import type { ExecOrder, ExecSession } from '../exec-session.js'
import { findScript } from '../find-script.js'
import { type CommandOrders, commandItems, writeOrders } from '../supervision/command-orders.js'

export interface SessionOrders extends CommandOrders, Pick<ExecOrder, 'stdin' | 'tty'> {
  /** Shown in process lists. */
  readonly label: string
  /** Seconds between the SIGHUP for a command that nobody listens to any more and its end. */
  readonly graceSeconds?: number
}

const usualGraceSeconds = 10

/** Runs a command as a run's user, in its groups, under a session.pl of its own, which ends when this process does. */
export function openSession(orders: SessionOrders): ExecSession {
  const session = spawn('perl', [findScript('process/session.pl')], {
    detached: true,
    cwd: '/',
    env: { PATH: orders.searchPath },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  // As asked for above: files 0 to 3 are pipes.
  const [stdin, stdout, stderr, control] = session.stdio as [Writable, Readable, Readable, Writable, undefined]
  for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {}) // whoever reads or writes learns of it
  writeOrders(control, [
    ['label', orders.label],
    ['grace', String(orders.graceSeconds ?? usualGraceSeconds)],
    ['stdin', orders.stdin ? '1' : ''],
    ['tty', orders.tty ? '1' : ''],
    ...commandItems(orders),
  ])
  if (!orders.stdin) stdin.end()
  if (orders.tty) stderr.resume()
  const ended = new Promise<{ exitCode: number }>((resolve, reject) => {
    session.once('error', reject)
    session.once('close', (code) => resolve({ exitCode: code ?? 137 }))
  })
  ended.catch(() => {}) // nobody may be there to hear of it
  return {
    ...(orders.stdin ? { stdin } : {}),
    stdout,
    ...(orders.tty ? {} : { stderr }),
    resize({ rows, columns }) {
      control.write(`size ${rows} ${columns}\n`)
    },
    ended,
    hangUp() {
      for (const stream of [control, stdin, stdout, stderr]) stream.destroy()
    },
  }
}
