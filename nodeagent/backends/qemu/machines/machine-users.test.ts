import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLogger, silentLogger } from '../../../../lib/base/log.js'
import { pickUserId } from '../../../users/pick-user-id.js'
import { MachineFiles } from './machine-files.js'
import { MachineUsers } from './machine-users.js'

let folder: string
let files: MachineFiles
let logged: string[]
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-users-'))
  files = new MachineFiles(folder)
  logged = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const range = { first: 2_013_331_456, count: 65_536 }
const open = () => MachineUsers.open(files, range, createLogger({ program: 'test', output: { write: (line) => logged.push(line) } }))
const firstOf = (uid: string) => pickUserId(uid, 0, new Set(), range)
const damage = (uid: string) => writeFile(path.join(files.folder(uid), 'machine.json'), '{"userId":')

it('a machine keeps the user of its record, which no other gets', async () => {
  await files.write('one', { namespace: 'default', name: 'one', userId: firstOf('two') })
  const users = await open()
  expect(users.next('one')).toBe(firstOf('two'))
  expect(users.next('two')).not.toBe(firstOf('two'))
  expect(logged).toEqual([])
})

it('a machine whose user is of another range gets one of the present one at its next start', async () => {
  await files.write('old', { namespace: 'default', name: 'old', userId: 265_600 })
  await files.write('one', { namespace: 'default', name: 'one', userId: firstOf('old') })
  const users = await open()
  const moved = users.next('old') ?? 0
  expect(moved).toBeGreaterThan(firstOf('old'))
  expect(users.next('old')).toBe(moved)
})

it('an agent that has no users gives none', async () => {
  await files.write('one', { namespace: 'default', name: 'one', userId: firstOf('one') })
  const users = await MachineUsers.open(files, undefined, silentLogger)
  expect(users.next('one')).toBeUndefined()
})

it.runIf(process.getuid?.() === 0)('the user of one whose record cannot be read is given to no other, and that is logged', async () => {
  await files.write('damaged', { namespace: 'default', name: 'damaged', userId: firstOf('new') })
  await files.letPass('damaged', firstOf('new'))
  await damage('damaged')
  const users = await open()
  expect(users.next('new')).not.toBe(firstOf('new'))
  expect(users.next('damaged')).toBe(firstOf('new'))
  expect(logged).toEqual([expect.stringMatching(/machine\.json.*cannot be read.*it is not started until its file is mended/)])
})

it('one whose record cannot be read and that never ran has none', async () => {
  await files.write('damaged', { namespace: 'default', name: 'damaged' })
  await files.write('whole', { namespace: 'default', name: 'whole', userId: firstOf('damaged') })
  await damage('damaged')
  const users = await open()
  expect(users.next('whole')).toBe(firstOf('damaged'))
  expect(users.next('damaged')).not.toBe(firstOf('damaged'))
  expect(logged).toHaveLength(1)
})
