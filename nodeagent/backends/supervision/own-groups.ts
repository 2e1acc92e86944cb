import { createHash } from 'node:crypto'
import { readlink, realpath } from 'node:fs/promises'
import type { Cgroups } from '../cgroups/cgroups.js'
import { printRunKey } from '../run-key.js'
import type { RunRecords } from './run-records.js'
import { endStrays } from './strays.js'

/** Who begins does not wait longer for processes that cannot be ended. */
const longestSweepMs = 10_000

/**
 * The groups of the runs that have records in a directory: their names end in a mark of it. A group with the mark and without a record is of a
 * directory that was lost, and replaced: what runs in it is ended, and it is removed. Groups of other directories are never touched.
 */
export async function openOwnGroups(all: Cgroups, records: RunRecords): Promise<Cgroups> {
  const mark = await markOf(records.directory)
  const keys = new Set((await records.ids()).map(printRunKey))
  const names = new Map<string, string>()
  const strays: string[] = []
  for (const name of await all.keys()) {
    const [key, of] = partsOf(name)
    if (keys.has(key)) names.set(key, name)
    else if (of === mark) strays.push(name)
  }
  const signal = AbortSignal.timeout(longestSweepMs)
  // What cannot be ended stays for the next agent that begins here.
  await Promise.all(strays.map((name) => endStray(name, all, signal).catch(() => {})))
  /** Those that are there keep their names: an earlier version gave none a mark, and an agent that was moved has another. */
  const nameOf = (key: string) => names.get(key) ?? `${key}.${mark}`
  return {
    version: all.version,
    hasCpuset: all.hasCpuset,
    keys: async () =>
      (await all.keys()).flatMap((name) => {
        const [key, of] = partsOf(name)
        return of === mark || names.get(key) === name ? [key] : []
      }),
    create: (key, limits) => all.create(nameOf(key), limits),
    files: (key) => all.files(nameOf(key)),
    wasOomKilled: (key) => all.wasOomKilled(nameOf(key)),
    pids: (key) => all.pids(nameOf(key)),
    usage: (key) => all.usage(nameOf(key)),
    freeze: (key) => all.freeze(nameOf(key)),
    thaw: (key) => all.thaw(nameOf(key)),
    isFrozen: (key) => all.isFrozen(nameOf(key)),
    thawFile: (key) => all.thawFile(nameOf(key)),
    remove: (key) => all.remove(nameOf(key)),
  }
}

async function endStray(name: string, all: Cgroups, signal: AbortSignal): Promise<void> {
  await endStrays(name, all, signal)
  await all.remove(name)
}

/** Of the path, as the processes of this file system namespace see it: another one may have other directories of that name. */
async function markOf(directory: string): Promise<string> {
  const namespace = await readlink('/proc/self/ns/mnt').catch(() => '')
  return createHash('sha256')
    .update(`${namespace}\n${await realpath(directory)}`)
    .digest('hex')
    .slice(0, 12)
}

function partsOf(name: string): [key: string, mark: string | undefined] {
  const [, key = name, mark] = /^(.+)\.([0-9a-f]{12})$/.exec(name) ?? []
  return [key, mark]
}
