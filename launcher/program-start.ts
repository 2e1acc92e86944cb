import type { ClusterDirectory } from './cluster-directory.js'
import { type Commands, lastWords, startDetached } from './command.js'
import { LaunchError } from './launch-error.js'
import { identifyProcess, isRunning } from './process-identity.js'
import { readProgram, removeProgram, writeProgram } from './program-record.js'

/** A program that was started, or found running. */
export interface StartedProgram {
  readonly program: string
  readonly wasRunning: boolean
  /** Throws LaunchError, with the program's last words, once it has ended. */
  assertRunning(): void
}

/** Starts `millrace-PROGRAM` unless it runs. It outlives us; its record says which process it is. */
export async function startProgram(
  directory: ClusterDirectory,
  commands: Commands,
  program: string,
  args: readonly string[],
): Promise<StartedProgram> {
  const running = readProgram(directory, program)
  const logFile = directory.log(program)
  if (running) return { program, wasRunning: true, assertRunning: () => assertAlive(isRunning(running), 0) }
  const { child, logStart } = startDetached(commands, `millrace-${program}`, args, logFile, directory.path)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  const identity = identifyProcess(child.pid ?? 0)
  if (identity) writeProgram(directory, { ...identity, program, args, startedAt: new Date().toISOString(), build: commands.build })
  return { program, wasRunning: false, assertRunning: () => assertAlive(identity !== undefined && isRunning(identity), logStart) }

  function assertAlive(alive: boolean, from: number): void {
    if (alive) return
    removeProgram(directory, program)
    throw new LaunchError(`millrace-${program} has ended: ${lastWords(logFile, from) || 'it said nothing'}\n(its log is ${logFile})`)
  }
}
