import { cp, mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { DirectoryInUseError, holdAgentDirectory } from './agent-directory.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-hold-'))
})
afterEach(async () => await rm(folder, { recursive: true }))

it('a directory has one agent at a time, by whatever path it is named', async () => {
  const data = path.join(folder, 'data')
  const held = await holdAgentDirectory(data)
  await expect(holdAgentDirectory(data)).rejects.toThrow(DirectoryInUseError)
  await expect(holdAgentDirectory(`${folder}/./data/`)).rejects.toThrow('another agent works in')
  await held.release()
  const again = await holdAgentDirectory(data)
  expect(again.identity).toBe(held.identity)
  await again.release()
})

it('is made for its owner alone, with an identity of its own', async () => {
  const [one, other] = [await holdAgentDirectory(path.join(folder, 'a')), await holdAgentDirectory(path.join(folder, 'b'))]
  expect((await stat(one.path)).mode & 0o777).toBe(0o700)
  expect(one.identity).not.toBe(other.identity)
  await one.release()
  await other.release()
})

it('a copy of a directory is another agent, a directory that was moved is the same', async () => {
  const [original, copy, moved] = ['original', 'copy', 'moved'].map((name) => path.join(folder, name)) as [string, string, string]
  const held = await holdAgentDirectory(original)
  await cp(original, copy, { recursive: true, preserveTimestamps: true })
  const copied = await holdAgentDirectory(copy)
  expect(copied.identity).toBe(held.identity)
  expect(copied.holder).not.toBe(held.holder)
  await copied.release()
  await held.release()
  await rename(original, moved)
  const again = await holdAgentDirectory(moved)
  expect(again.holder).toBe(held.holder)
  await again.release()
})
