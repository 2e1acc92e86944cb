import { createHash, randomBytes } from 'node:crypto'
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AddressPrefix, parsePrefix } from '../../../../lib/api/public-address.js'
import { eventually } from '../../../../lib/testing/eventually.js'
import { ImageServer } from '../fixtures/image-server.js'
import { requireSpace } from './free-space.js'
import { ImageStore } from './image-store.js'

describe('the disk images of a node', () => {
  const signal = AbortSignal.timeout(600_000)
  const bytes = randomBytes(512 * 1024)
  const checksum = `sha256:${createHash('sha256').update(bytes).digest('hex')}`
  const quiet = () => {}
  let folder: string
  let server: ImageServer
  let store: ImageStore
  const at = (...parts: string[]) => path.join(folder, ...parts)

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-images-'))
    await mkdir(at('images'))
    server = await ImageServer.listen(bytes)
    store = open({ ca: server.ca })
  })
  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** Only this machine's own server may be asked. */
  const rules = { networks: [parsePrefix('127.0.0.1/32') as AddressPrefix], mostBytes: 2 ** 30 }
  const open = (more: Partial<ConstructorParameters<typeof ImageStore>[0]>) =>
    new ImageStore({ imageDirectory: at('images'), directory: at('store'), rules, ...more })
  const parts = async () => (await readdir(at('store/cache'))).filter((name) => name.endsWith('.part'))

  /** What an agent leaves that is killed when so much has come. */
  async function cutOffAfter(from: ImageServer, bytesBefore: number): Promise<void> {
    const killed = new AbortController()
    from.holdAfter = bytesBefore
    const asked = open({ ca: from.ca }).prepare({ image: from.url, imageChecksum: checksum }, quiet, killed.signal)
    await eventually(async () => {
      const [part = ''] = await parts()
      expect((await stat(at('store/cache', part))).size).toBe(bytesBefore)
    })
    killed.abort()
    await expect(asked).rejects.toThrow()
    from.holdAfter = undefined
  }

  const fetched = () => store.prepare({ image: server.url, imageChecksum: checksum }, quiet, signal)

  it.each(['box', 'box.raw'])('finds %s in the image directory', async (image) => {
    await writeFile(at('images/box.raw'), bytes)
    expect(await store.prepare({ image }, quiet, signal)).toMatchObject({ format: 'raw', virtualBytes: bytes.length })
    expect(await store.list()).toEqual([{ names: ['box'], sizeBytes: bytes.length }])
  })

  it('takes a file by its address, and the kernel beside it', async () => {
    await writeFile(at('other.img'), bytes)
    await writeFile(at('other.vmlinuz'), 'kernel')
    await writeFile(at('other.cmdline'), 'root=/dev/vda quiet\n')
    const base = await store.prepare({ image: `file://${at('other.img')}` }, quiet, signal)
    expect(base.directBoot).toEqual({ kernel: path.join(path.dirname(base.disk), 'vmlinuz'), commandLine: 'root=/dev/vda quiet' })
    expect(await store.base(base.key)).toEqual(base)
  })

  it('says where it looked for an image, and what there is', async () => {
    await writeFile(at('images/debian.qcow2'), bytes)
    await expect(store.prepare({ image: 'ubuntu' }, quiet, signal)).rejects.toMatchObject({
      reason: 'ImageNotFound',
      message: `the node has no image ubuntu in ${at('images')}; there are debian; put ubuntu.qcow2 there, and it is taken by itself`,
    })
  })

  it.each(['../secret', '../images/../secret.raw', 'folder', '..'])('finds no %s: it is no file of the image directory', async (image) => {
    await writeFile(at('secret.raw'), bytes)
    await mkdir(at('images/folder'))
    await expect(store.prepare({ image }, quiet, signal)).rejects.toThrow(`the node has no image ${image} in`)
  })

  it('what an address names is a file', async () => {
    await expect(store.prepare({ image: `file://${folder}` }, quiet, signal)).rejects.toThrow('is no file')
    await expect(store.prepare({ image: 'file:///dev/zero' }, quiet, signal)).rejects.toThrow('is no file')
  })

  it('nothing is fetched whose checksum nobody has said', async () => {
    await expect(store.prepare({ image: server.url }, quiet, signal)).rejects.toThrow('needs spec.imageChecksum')
    expect(server.requests).toEqual([])
  })

  it('an image that is a link to a file is taken as the file, whatever the link leads to later', async () => {
    await writeFile(at('elsewhere.raw'), bytes)
    await symlink(at('elsewhere.raw'), at('images/box.raw'))
    const { disk } = await store.prepare({ image: 'box' }, quiet, signal)
    expect((await lstat(disk)).isFile()).toBe(true)
  })

  it('an image that is renewed is another base, and the old one stays as it was', async () => {
    await writeFile(at('images/box.raw'), bytes)
    const before = await store.prepare({ image: 'box' }, quiet, signal)
    await writeFile(at('images/new'), randomBytes(1024))
    await rename(at('images/new'), at('images/box.raw'))
    const after = await store.prepare({ image: 'box' }, quiet, signal)
    expect(after.key).not.toBe(before.key)
    expect(await readFile(before.disk)).toEqual(bytes)
    await store.removeUnused(async () => new Set([after.key]))
    expect(await store.base(before.key)).toBeUndefined()
    expect(await store.base(after.key)).toEqual(after)
  })

  it('a base that somebody began to use while others were removed stays', async () => {
    await writeFile(at('images/box.raw'), bytes)
    const used: string[] = []
    const { key } = await store.prepare({ image: 'box' }, quiet, signal)
    await store.removeUnused(async () => {
      await store.prepare({ image: 'box' }, quiet, signal, async (claimed) => void used.push(claimed))
      return new Set()
    })
    expect(used).toEqual([key])
    expect(await store.base(key)).toBeDefined()
    await store.removeUnused(async () => new Set())
    expect(await readdir(at('store/bases'))).toEqual([])
  })

  it('an image that was overwritten in its place is refused: disks lie over what it was', async () => {
    await writeFile(at('images/box.raw'), bytes)
    const { key, disk } = await store.prepare({ image: 'box' }, quiet, signal)
    await writeFile(disk, randomBytes(1024))
    await expect(store.base(key)).rejects.toThrow('was changed after machines were made of it')
  })

  it('goes on where a broken connection stopped', async () => {
    server.breakAfter = 200_000
    const progress: string[] = []
    const base = await store.prepare({ image: server.url, imageChecksum: checksum }, (text) => progress.push(text), signal)
    expect(await readFile(base.disk)).toEqual(bytes)
    expect(server.requests.length).toBeGreaterThanOrEqual(3)
    expect(server.requests[0]).toBe('')
    expect(server.requests.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range))).toBe(true)
    expect(progress.at(-1)).toBe('comparing the checksum')
  })

  it('goes on with what an agent that was killed had fetched', async () => {
    await cutOffAfter(server, 300_000)
    const base = await open({ ca: server.ca }).prepare({ image: server.url, imageChecksum: checksum }, quiet, signal)
    expect(server.requests).toEqual(['', 'bytes=300000-'])
    expect(await readFile(base.disk)).toEqual(bytes)
  })

  it('what one address sends for a checksum does not spoil what another does', async () => {
    const other = await ImageServer.listen(randomBytes(512 * 1024))
    await cutOffAfter(other, 100_000).finally(() => other.close())
    expect(await readFile((await fetched()).disk)).toEqual(bytes)
    expect(server.requests).toEqual([''])
  })

  it('one fetch serves all that ask at once, and those that ask later', async () => {
    const bases = await Promise.all([fetched(), fetched(), fetched()])
    expect(new Set(bases.map(({ key }) => key)).size).toBe(1)
    await fetched()
    expect(server.requests).toEqual([''])
  })

  it('what has another checksum is not used, and not kept', async () => {
    server.bytes = randomBytes(4096)
    await expect(fetched()).rejects.toMatchObject({ reason: 'ImagePullFailed', retryable: false })
    await expect(fetched()).rejects.toThrow(`expected was ${checksum}; it was not used`)
    expect(await readdir(at('store/cache'))).toEqual([])
  })

  it('an image of the image directory is compared too', async () => {
    await writeFile(at('images/box.raw'), randomBytes(1024))
    await expect(store.prepare({ image: 'box', imageChecksum: checksum }, quiet, signal)).rejects.toThrow('is not the one that')
  })

  it.each([
    [404, 'ImageNotFound', 'there is no such file'],
    [403, 'ImagePullFailed', 'answered 403'],
  ])('an answer of %i is said in words', async (code, reason, words) => {
    server.refuseWith = code
    await expect(fetched()).rejects.toMatchObject({ reason, message: expect.stringContaining(words) })
  })

  it('a server that nobody vouches for is refused', async () => {
    await expect(open({}).prepare({ image: server.url, imageChecksum: checksum }, quiet, signal)).rejects.toThrow('could not be fetched')
  })

  it('says how much room is missing', async () => {
    await expect(requireSpace(folder, 2 ** 60, 'the disk')).rejects.toThrow(
      /the disk needs 1Ei on the node, where 64Mi stay free, and .* has .* left; remove .*; it goes on by itself/,
    )
    expect((await stat(folder)).isDirectory()).toBe(true)
  })
})
