import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { archiveOf, hiddenInSize } from '../fixtures/hidden-archive.js'
import { givesNames, requireNoNames, rewritten } from './image-names.js'

it.each([
  ['[{"Config":"blobs/x","RepoTags":null,"Layers":[]}]', false],
  ['[{"Config":"blobs/x","RepoTags":[]}]', false],
  ['[{"Config":"blobs/x"}]', false],
  ['[{"RepoTags":null},{"RepoTags":["busybox:1.36"]}]', true],
  ['[{"RepoTags":null,"repotags":["busybox:1.36"]}]', true],
  ['{"schemaVersion":2,"manifests":[{"digest":"sha256:0"}]}', false],
  ['{"schemaVersion":2,"manifests":[{"annotations":{"io.containerd.image.name":"busybox:1.36"}}]}', true],
  ['{}', false],
  ['{"busybox":{"1.36":"0123"}}', true],
  ['"busybox"', true],
  ['no JSON', true],
])('%s gives names: %s', (text, expected) => {
  expect(givesNames(text)).toBe(expected)
})

describe('the file of a snapshot', () => {
  let folder: string
  let file: string
  const signal = new AbortController().signal
  const named = '[{"RepoTags":["busybox:1.36"]}]'

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-names-'))
    file = path.join(folder, 'file.tar')
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each([
    ['manifest.json', archiveOf('manifest.json', named), 'gives a name to an image'],
    ['one that is packed', gzipSync(archiveOf('manifest.json', named)), 'gives a name to an image'],
    ['one in a folder', archiveOf('./manifest.json', named), 'gives a name to an image'],
    ['one by a way around', archiveOf('manifest.json/.', named), 'gives a name to an image'],
    ['one by another way around', archiveOf('manifest.json/x/..', named), 'gives a name to an image'],
    ['repositories', archiveOf('repositories', '{"busybox":{"1.36":"0"}}'), 'gives a name to an image'],
    ['a link', archiveOf('index.json', '', 'SymbolicLink'), 'is no plain file'],
    ['a large one', archiveOf('index.json', ' '.repeat(1024 * 1024 + 1)), 'of a fair size'],
    ['a device', archiveOf('x', '', 'CharacterDevice'), 'is a CharacterDevice'],
    ['what is not known', archiveOf('x', '', 'SparseFile'), 'of a kind that is not known'],
  ])('is refused for %s', async (_case, bytes, why) => {
    await writeFile(file, bytes)
    await expect(requireNoNames(file, signal)).rejects.toThrow(why)
  })

  it('is no other for the engine than for who looked at it', async () => {
    const hidden = archiveOf('manifest.json', named)
    await writeFile(file, hiddenInSize(hidden))
    await requireNoNames(file, signal)
    expect(asGoReads(hiddenInSize(hidden))).toEqual(['pad', 'manifest.json'])
    expect(asGoReads(await buffer(rewritten(file, signal)))).toEqual(['pad'])
  })

  it('is whole for the engine, however many and small its parts are', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `layers/${index}/json`)
    const parts = names.map((name) => archiveOf(name, 'abc').subarray(0, 1024))
    const large = archiveOf('layer.tar', 'x'.repeat(3_000_000))
    await writeFile(file, Buffer.concat([...parts, large]))
    await requireNoNames(file, signal)
    const archive = await buffer(rewritten(file, signal))
    expect(asGoReads(archive)).toEqual([...names, 'layer.tar'])
    expect(archive.includes('x'.repeat(3_000_000))).toBe(true)
  })

  it('that is none is refused', async () => {
    await writeFile(file, Buffer.alloc(10_240, 'x'))
    await expect(requireNoNames(file, signal)).rejects.toThrow()
    await expect(buffer(rewritten(file, signal))).rejects.toThrow()
  })
})

/** The names of the entries, by the sizes that stand in their own headers. */
function asGoReads(archive: Buffer): string[] {
  const names: string[] = []
  for (let at = 0; archive[at]; ) {
    const [name, size, type] = [archive.subarray(at, at + 100), archive.subarray(at + 124, at + 136), archive[at + 156]]
    if (type !== 'g'.charCodeAt(0) && type !== 'x'.charCodeAt(0)) names.push(name.toString().replaceAll('\0', ''))
    at += 512 * (1 + Math.ceil(Number.parseInt(size.toString(), 8) / 512))
  }
  return names
}
