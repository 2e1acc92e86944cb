import { spawn } from 'node:child_process'
import { type Commands, executable } from './command.js'

export interface TaskWatch {
  /** Resolves when the watch stands: no change after this is missed. */
  readonly standing: Promise<void>
  /** Resolves with the phase in which the Task has ended, when the line that says so was shown; undefined when the watch ended before. */
  readonly ended: Promise<'Succeeded' | 'Failed' | undefined>
  stop(): void
}

/** Shows `kubectl-lite get --watch` of a Task that is not there yet. That the list was empty is said on standard error, and not shown. */
export function watchTask(commands: Commands, args: readonly string[], cwd: string, show: (text: string) => void): TaskWatch {
  const child = spawn(process.execPath, [executable(commands, 'kubectl-lite'), ...args], {
    cwd,
    env: commands.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let shown = ''
  const ended = new Promise<'Succeeded' | 'Failed' | undefined>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      shown += text
      show(text)
      const [phase] = /\b(Succeeded|Failed)\b/.exec(shown) ?? []
      if (phase === 'Succeeded' || phase === 'Failed') resolve(phase)
    })
    child.on('close', () => resolve(undefined))
  })
  const standing = new Promise<void>((resolve) => {
    child.stderr.once('data', () => resolve())
    child.on('close', () => resolve())
  })
  return { standing, ended, stop: () => child.kill('SIGTERM') }
}
