import { execFileSync } from 'node:child_process'
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { readDiskFormat } from './disk-format.js'

describe.skipIf(withoutQemu)('what a disk image is, from its bytes', () => {
  let folder: string
  const file = (name: string) => path.join(folder, name)
  const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' })

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-format-'))
    qemuImg('create', '-f', 'qcow2', 'plain', '3M')
    qemuImg('create', '-f', 'qcow2', '-o', 'compat=0.10', 'old', '2M')
    qemuImg('create', '-f', 'qcow2', '-b', 'plain', '-F', 'qcow2', 'overlay')
    qemuImg('create', '-f', 'qcow2', '-o', 'data_file=data,data_file_raw=on', 'elsewhere', '1M')
    qemuImg('create', '-f', 'vmdk', 'vmware', '1M')
    await writeFile(file('raw'), '')
    await truncate(file('raw'), 1024 * 1024)
    await writeFile(file('odd'), 'x'.repeat(513))
    await writeFile(file('empty'), '')
    await writeFile(file('page'), '\n<!DOCTYPE html><html>not found</html>')
    await writeFile(file('gzip'), Buffer.concat([Buffer.from([0x1f, 0x8b]), Buffer.alloc(510)]))
    await writeFile(file('short'), Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), Buffer.alloc(20)]))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each([
    ['plain', { format: 'qcow2', virtualBytes: 3 * 1024 * 1024 }],
    ['old', { format: 'qcow2', virtualBytes: 2 * 1024 * 1024 }],
    ['raw', { format: 'raw', virtualBytes: 1024 * 1024 }],
  ])('%s is a disk', async (name, expected) => expect(await readDiskFormat(file(name), name)).toEqual(expected))

  it.each([
    ['overlay', 'needs a backing file'],
    ['elsewhere', 'keeps its data in another file'],
    ['vmware', 'is a VMDK image'],
    ['odd', 'not whole sectors'],
    ['empty', 'is empty'],
    ['page', 'is a web page'],
    ['gzip', 'is compressed (gzip)'],
    ['short', 'is cut off'],
  ])('%s is refused in words', async (name, words) => {
    await expect(readDiskFormat(file(name), name)).rejects.toMatchObject({ reason: 'ImagePullFailed', retryable: false })
    await expect(readDiskFormat(file(name), name)).rejects.toThrow(words)
  })
})
