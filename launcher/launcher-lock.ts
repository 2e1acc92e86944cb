import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { ClusterDirectory } from './cluster-directory.js'
import { LaunchError } from './launch-error.js'
import { identifyProcess, isRunning, type ProcessIdentity } from './process-identity.js'

/** One `up`, `down` or `quickstart` at a time on a directory. A lock whose holder is gone is taken over. Returns how to give it back. */
export function lockDirectory(directory: ClusterDirectory): () => void {
  const file = path.join(directory.runFolder, 'launcher.lock')
  const own = JSON.stringify(identifyProcess(process.pid))
  for (let tries = 0; tries < 2; tries++) {
    try {
      writeFileSync(file, own, { flag: 'wx', mode: 0o600 })
      return () => rmSync(file, { force: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      const holder = readHolder(file)
      if (holder && isRunning(holder))
        throw new LaunchError(
          `Another up or down works on ${directory.path} (process ${holder.pid}). Wait until it has ended, then run this again.`,
        )
      rmSync(file, { force: true })
    }
  }
  throw new LaunchError(`Another up or down has just begun on ${directory.path}. Wait until it has ended, then run this again.`)
}

function readHolder(file: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity
  } catch {
    return undefined
  }
}
