/**
 * Asks a user's program, in a process of its own, to print manifests: what rights it needs, which kinds it brings. Nothing of it runs here.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ExitError, UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import type { Manifest } from '../manifests/decode-manifests.js'

const maxMs = 60_000
const maxBytes = 16 * 1024 * 1024

/** The manifests that `FILE FLAGS` prints. Throws with a sentence when it prints none that can be read, or fails. */
export async function askProgram(file: string, flags: readonly string[], io: Io): Promise<Manifest[]> {
  const program = path.resolve(io.cwd, file)
  if (!existsSync(program)) throw new UsageError(`the program "${file}" does not exist`)
  const printed = await run([...loaderOf(program, file), program, ...flags], file, io)
  // Loaded here, as everywhere: reading YAML costs start-up.
  const { decodeManifests } = await import('../manifests/decode-manifests.js')
  return decodeManifests(printed, `what ${file} ${flags[0]} printed`)
}

/** What Node needs to load the program. The tsx of its own folder is taken before Node's own reading of types, which knows less. */
function loaderOf(program: string, shown: string): string[] {
  if (/\.[cm]?js$/.test(program)) return []
  if (!/\.[cm]?ts$/.test(program)) throw new UsageError(`a program is a .ts or .js file, which ${shown} is not`)
  try {
    return ['--import', pathToFileURL(createRequire(program).resolve('tsx')).href]
  } catch {
    if ('typescript' in process.features && process.features.typescript) return []
    throw new UsageError(
      `Node ${process.versions.node} does not load ${shown} by itself: install tsx beside it (npm install --save-dev tsx), or name the .js file that is built of it`,
    )
  }
}

function run(args: readonly string[], shown: string, io: Io): Promise<string> {
  const options = { env: { ...io.env }, cwd: io.cwd, timeout: maxMs, maxBuffer: maxBytes, signal: io.signal }
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      if (io.signal.aborted) return reject(new ExitError('interrupted'))
      const ended = error.killed ? `did not end within ${maxMs / 1000} s` : `ended with code ${error.code}`
      const said = stderr.trim() === '' ? '' : `:\n${stderr.trim()}`
      reject(new ExitError('failed', `${shown} ${ended}${said}`))
    })
    child.stdin?.end()
  })
}
