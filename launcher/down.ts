/** `down`: ends the programs of a cluster that `up` started, and no other process. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { clusterDirectory, prepareDirectory } from './cluster-directory.js'
import { readRecord } from './cluster-record.js'
import type { Commands } from './command.js'
import { LaunchError } from './launch-error.js'
import { lockDirectory } from './launcher-lock.js'
import { mountPointsIn } from './mount-points.js'
import { endProgram } from './program-end.js'
import { readProgram, removeProgram } from './program-record.js'
import { programs } from './programs.js'
import { purgeNodes } from './purge-nodes.js'
import { stopWorkloads } from './stop-workloads.js'

export interface DownOptions {
  readonly directory: string
  readonly commands: Commands
  readonly stopWorkloads: boolean
  readonly purge: boolean
  say(text: string): void
}

export async function down(options: DownOptions): Promise<void> {
  const { say } = options
  const directory = clusterDirectory(options.directory)
  const record = readOrNothing(options)
  // Without this file it is no cluster, and nothing of it is ours to remove.
  if (!existsSync(directory.recordFile)) {
    say(`There is no cluster in ${directory.path}.`)
    return
  }
  if (options.purge) refuseMounts(directory.path)
  prepareDirectory(directory)
  const unlock = lockDirectory(directory)
  let purged = false
  try {
    if (options.stopWorkloads || options.purge)
      await stopWorkloads({ directory, commands: options.commands, record, forGood: options.purge })
    const ended: string[] = []
    for (const program of programs.toReversed()) {
      const running = readProgram(directory, program)
      if (running) {
        await endProgram(running, { keepWorkloads: false, say })
        ended.push(program)
      }
      removeProgram(directory, program)
    }
    say(ended.length === 0 ? `Nothing of the cluster in ${directory.path} was running.` : `Ended ${ended.join(', ')}.`)
    if (options.purge) {
      await purgeNodes(directory, options.commands, record, say)
      const done = removeWhole(directory.path)
      purged = true
      say(`${done} ${directory.path}.`)
    } else if (ended.length > 0) say(`All objects are kept in ${directory.path}; npm run up finds them again.`)
  } finally {
    if (!purged) unlock()
  }
}

/** A damaged record keeps nobody from removing the cluster. */
function readOrNothing({ directory, purge }: DownOptions) {
  try {
    return readRecord(clusterDirectory(directory))
  } catch (error) {
    if (purge && error instanceof LaunchError) return undefined
    throw error
  }
}

/** What is mounted there is another disk's, and nobody asked for that to be emptied. */
function refuseMounts(directory: string): void {
  const mounts = mountPointsIn(directory)
  if (mounts.length > 0)
    throw new LaunchError(
      `Nothing was ended or removed: in ${directory} something else is mounted, at ${mounts.join(' and ')}. Unmount it (umount ${mounts.toReversed().join(' ')}) and run this again.`,
    )
}

function removeWhole(directory: string): 'Removed' | 'Emptied' {
  try {
    rmSync(directory, { recursive: true, force: true })
    return 'Removed'
  } catch (error) {
    const { code = String(error), path: at = directory } = error as NodeJS.ErrnoException
    // A disk is mounted just there: its folder stays.
    if (code === 'EBUSY' && readdirSync(directory).length === 0) return 'Emptied'
    throw new LaunchError(
      `The cluster has ended, and not all of ${directory} could be removed: ${code} at ${at}. Remove the rest with rm -r.`,
      {
        cause: error,
      },
    )
  }
}
