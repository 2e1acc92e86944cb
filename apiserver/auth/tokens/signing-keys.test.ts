import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { maxTokenLifeMs, openSigningKeys, signsForMs } from './signing-keys.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'signing-keys-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

it('are found again, change after a month, and verify as long as a token may live; the file is for its owner alone', async () => {
  const clock = new ManualClock()
  const file = join(folder, 'tokens', 'keys.json')
  const keys = await openSigningKeys({ file, clock })
  const first = keys.current.id
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect((await openSigningKeys({ file, clock })).current.id).toBe(first)
  await clock.advance(signsForMs - 1)
  await keys.rotate()
  expect(keys.current.id).toBe(first)
  await clock.advance(1)
  await keys.rotate()
  expect(keys.current.id).not.toBe(first)
  expect(keys.find(first)).toBeDefined()
  expect((await openSigningKeys({ file, clock })).all().map(({ id }) => id)).toEqual(keys.all().map(({ id }) => id))
  await clock.advance(maxTokenLifeMs)
  await keys.rotate()
  expect(keys.find(first)).toBeUndefined()
  expect(await readFile(file, 'utf8')).not.toContain(first)
})

it('that cannot be read are told in a sentence', async () => {
  const file = join(folder, 'broken.json')
  await writeFile(file, '{"keys": [')
  await expect(openSigningKeys({ file, clock: new ManualClock() })).rejects.toThrow(/broken.json cannot be read as the keys/)
})
