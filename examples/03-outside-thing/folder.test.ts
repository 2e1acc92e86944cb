import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { testCluster } from 'millrace/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Folder, folderController } from './folder.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'folders-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const at = { namespace: 'default', name: 'attic' }

it('makes the directory, and the object goes after it', async () => {
  await using cluster = await testCluster({ controllers: [folderController(root)] })
  const folders = cluster.client.of(Folder)
  await folders.create({ metadata: at })
  await cluster.settle()
  const place = path.join(root, 'default.attic')
  expect((await folders.get(at)).status?.path).toBe(place)
  writeFileSync(path.join(place, 'box'), 'full')

  await folders.delete(at)
  await cluster.settle()
  expect(existsSync(place)).toBe(false)
  expect((await folders.list()).items).toEqual([])
})

it('cleans up after a deletion that happened while it was away', async () => {
  await using cluster = await testCluster({ controllers: [folderController(root)] })
  const folders = cluster.client.of(Folder)
  await folders.create({ metadata: at })
  await cluster.settle()
  cluster.kill()
  await folders.delete(at)
  expect((await folders.get(at)).metadata.finalizers).toEqual(['example.com/folder'])
  cluster.start()
  await cluster.settle()
  expect(existsSync(path.join(root, 'default.attic'))).toBe(false)
  expect((await folders.list()).items).toEqual([])
})
