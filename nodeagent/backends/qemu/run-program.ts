import { execFile } from 'node:child_process'

/** A program ended with a code other than 0, or could not be started. The message says which, and what it said. */
export class ProgramError extends Error {
  override readonly name = 'ProgramError'
}

/** Runs a program to its end, without a shell; resolves with its standard output, rejects with ProgramError. Aborting kills it. */
export type RunProgram = (program: string, args: readonly string[], signal: AbortSignal) => Promise<string>

const longestOutput = 16 * 1024 * 1024
const longestWords = 500

/** Programs are looked for in the folders of `searchPath`. */
export function programRunner(searchPath: string): RunProgram {
  return (program, args, signal) =>
    new Promise((resolve, reject) => {
      const env = { PATH: searchPath, LC_ALL: 'C' }
      execFile(program, args, { signal, killSignal: 'SIGKILL', maxBuffer: longestOutput, env }, (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        if (signal.aborted) return reject(signal.reason)
        const missing = (error as NodeJS.ErrnoException).code === 'ENOENT'
        const said = missing ? 'it is not installed' : stderr.trim().slice(-longestWords) || error.message.slice(-longestWords)
        reject(new ProgramError(`${program} failed: ${said}`, { cause: error }))
      })
    })
}
