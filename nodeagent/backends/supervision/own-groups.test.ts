/** Whose a group is, with what the kernel has where that may be used, and on plain folders. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { asRoot } from '../../fixtures/start-agent.js'
import { openCgroups } from '../cgroups/cgroups.js'
import { openOwnGroups } from './own-groups.js'
import { RunRecords } from './run-records.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-own-groups-'))
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

const recordsIn = async (name: string) => {
  const records = new RunRecords(path.join(folder, name))
  await records.prepare()
  return records
}
const idOf = (uid: string) => ({ uid, attempt: 0, run: 0 })
const record = (uid: string) => ({ id: idOf(uid), namespace: 'default', name: uid, workingDirectory: '/' })

it('groups carry the mark of their directory, those without a record go, and others are left alone', async () => {
  const root = path.join(folder, 'cgroup')
  await mkdir(root)
  await writeFile(path.join(root, 'cgroup.controllers'), 'cpu memory pids\n')
  const all = await openCgroups(root)
  if (!all) throw new Error('no groups')
  const groups = async () =>
    (await readdir(path.join(root, 'millrace'), { withFileTypes: true })).filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const [mine, others] = [await recordsIn('mine'), await recordsIn('others')]
  await mine.create(record('kept'))
  await mine.create(record('early'))
  await mkdir(path.join(root, 'millrace/early.0.0'))
  const [ofMine, ofOthers] = [await openOwnGroups(all, mine), await openOwnGroups(all, others)]
  for (const file of [
    ...['kept.0.0', 'lost.0.0', 'lost.0.1'].flatMap(ofMine.files),
    ...['lost.0.0', 'another.0.0'].flatMap(ofOthers.files),
  ])
    await mkdir(path.dirname(file))
  await mkdir(path.join(root, 'millrace/unmarked.0.0'))
  expect(await groups()).toHaveLength(7)

  const own = await openOwnGroups(all, mine)
  expect((await groups()).map((name) => name.replace(/[0-9a-f]{12}$/, 'MARK')).sort()).toEqual([
    'another.0.0.MARK',
    'early.0.0',
    'kept.0.0.MARK',
    'lost.0.0.MARK',
    'unmarked.0.0',
  ])
  expect((await own.keys()).sort()).toEqual(['early.0.0', 'kept.0.0'])
  expect(own.files('early.0.0')).toEqual([path.join(root, 'millrace/early.0.0/cgroup.procs')])
})

const real = asRoot ? await openCgroups() : undefined

describe.skipIf(!real)('what runs in a group', () => {
  it('is ended with it when the directory of its record was lost, and only then', async () => {
    if (!real) throw new Error('no groups')
    const sleeping = async (records: RunRecords, uid: string) => {
      await records.create(record(uid))
      const key = `${uid}.0.0`
      const groups = await openOwnGroups(real, records)
      const files = await groups.create(key, {})
      const child = spawn('sleep', ['600'], { stdio: 'ignore' })
      for (const file of files) await writeFile(file, String(child.pid))
      return { child, ended: once(child, 'exit'), groups, key }
    }
    const suffix = path.basename(folder).replace(/[^A-Za-z0-9]/g, '')
    const lost = await sleeping(await recordsIn('mine'), `lost${suffix}`)
    const kept = await sleeping(await recordsIn('others'), `kept${suffix}`)
    try {
      await rm(path.join(folder, 'mine'), { recursive: true })
      await openOwnGroups(real, await recordsIn('mine'))
      await openOwnGroups(real, await recordsIn('others'))
      await lost.ended
      expect((await real.keys()).filter((name) => name.includes(suffix)).map((name) => name.split('.')[0])).toEqual([`kept${suffix}`])
      expect(await kept.groups.pids(kept.key)).toEqual([kept.child.pid])
    } finally {
      for (const { child, ended, groups, key } of [lost, kept]) {
        child.kill('SIGKILL')
        await ended
        await groups.remove(key)
      }
    }
  })
})
