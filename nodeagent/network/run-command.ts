import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import path from 'node:path'

/** Where the programs of networks lie that no user has on the path. */
const systemFolders = ['/usr/sbin', '/sbin', '/usr/bin', '/bin']

/** A program ended with another code than 0. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  constructor(
    readonly code: number | string,
    message: string,
  ) {
    super(message)
  }
}

export type RunCommand = (program: string, args: readonly string[], signal: AbortSignal, input?: string) => Promise<string>

/** What programs of networks are run with. Nothing of the agent's environment reaches them but the search path. */
export function commandEnvironment(searchPath: string): Record<string, string> {
  return { PATH: [searchPath, ...systemFolders].join(':'), LC_ALL: 'C' }
}

/** Runs a program to its end, with `input` on its standard input; resolves with what it printed. */
export function commandRunner(searchPath: string): RunCommand {
  const env = commandEnvironment(searchPath)
  return (program, args, signal, input) =>
    new Promise((resolve, reject) => {
      const { stdin } = execFile(program, [...args], { env, signal, maxBuffer: 16 * 1024 ** 2 }, (error, stdout, stderr) => {
        if (!error) return resolve(stdout)
        if (signal.aborted) return reject(signal.reason)
        reject(new CommandError(error.code ?? 'killed', `${program} ${args.join(' ')}: ${stderr.trim() || error.message}`))
      })
      // One that ends without reading all says why.
      stdin?.on('error', () => {}).end(input)
    })
}

/** Which of the programs are nowhere. */
export async function missingPrograms(programs: readonly string[], searchPath: string): Promise<string[]> {
  const folders = [...searchPath.split(':'), ...systemFolders].filter(Boolean)
  const isThere = async (program: string) => {
    for (const folder of folders) {
      const found = await access(path.join(folder, program), constants.X_OK).then(
        () => true,
        () => false,
      )
      if (found) return true
    }
    return false
  }
  const there = await Promise.all(programs.map(isThere))
  return programs.filter((_program, index) => !there[index])
}
