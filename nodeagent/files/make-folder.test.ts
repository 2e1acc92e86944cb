import { stat } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SmallDisk, smallDisk } from '../fixtures/small-disk.js'
import { asRoot } from '../fixtures/start-agent.js'
import { isFull } from './full-disk.js'
import { makeFolder } from './make-folder.js'

describe.skipIf(!asRoot)('on a disk that has room for two more files', () => {
  let disk: SmallDisk
  beforeEach(async () => {
    disk = await smallDisk('size=64k,nr_inodes=3')
  })
  afterEach(async () => await disk.remove())

  it('folders are made with those above them, once, and a full disk is called so', async () => {
    const below = path.join(disk.folder, 'a', 'b')
    for (let times = 0; times < 2; times++) await makeFolder(below)
    expect((await stat(below)).mode & 0o777).toBe(0o700)
    const failure = await makeFolder(path.join(disk.folder, 'c', 'd')).catch((error: unknown) => error)
    expect(isFull(failure), String(failure)).toBe(true)
  })
})
