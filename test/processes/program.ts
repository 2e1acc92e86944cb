import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import type { Owner } from './owner.js'
import { figuresOf, type ProcessFigures } from './process-figures.js'

/** A program of the build under test, in a process of its own. */
export interface Program extends ProcessFigures {
  readonly pid: number
  readonly log: string
  /** Whether it has ended. */
  readonly hasEnded: boolean
  /** Sends the signal, SIGTERM by default, and waits; after a minute it is killed. */
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** Starts `dist/SCRIPT` of the build; what it prints goes to `log`. */
export function startProgram(owner: Owner, script: string, args: readonly string[], log: string, env = process.env): Program {
  const output = openSync(log, 'a', 0o600)
  const child = spawn(process.execPath, [path.join(owner.build, 'dist', script), ...args], { stdio: ['ignore', output, output], env })
  closeSync(output)
  const { pid } = child
  if (pid === undefined) throw new Error(`${script} did not start`)
  let hasEnded = false
  child.once('exit', () => {
    hasEnded = true
  })
  const program: Program = {
    pid,
    log,
    get hasEnded() {
      return hasEnded
    },
    ...figuresOf(pid),
    stop: (signal = 'SIGTERM') => end(child, signal, () => hasEnded),
  }
  owner.defer(() => program.stop('SIGKILL'))
  return program
}

async function end(child: ChildProcess, signal: NodeJS.Signals, hasEnded: () => boolean): Promise<void> {
  if (hasEnded()) return
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const impatient = setTimeout(() => child.kill('SIGKILL'), 60_000)
  await ended
  clearTimeout(impatient)
}
