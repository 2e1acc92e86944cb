import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AddressPrefix, parsePrefix } from '../../../../lib/api/public-address.js'
import { withoutQemu } from '../fixtures/guest-kernel.js'
import { ImageServer } from '../fixtures/image-server.js'
import { type BaseImage, ImageStore } from './image-store.js'

const mib = 2 ** 20

describe('images that strangers name by their address', () => {
  const signal = AbortSignal.timeout(600_000)
  const quiet = () => {}
  const bytes = randomBytes(512 * 1024)
  const checksumOf = (content: Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`
  let folder: string
  let server: ImageServer
  let networks: string[]
  let mostBytes: number
  let space: { freeBytes: number; totalBytes: number }
  const at = (...parts: string[]) => path.join(folder, ...parts)
  const left = async () => (await readdir(at('cache')).catch(() => [])).sort()

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-cache-'))
    await mkdir(at('images'))
    server = await ImageServer.listen(bytes)
    networks = ['127.0.0.1/32']
    mostBytes = 64 * mib
    space = { freeBytes: 900 * mib, totalBytes: 1000 * mib }
  })
  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true, force: true })
  })

  const open = () =>
    new ImageStore({
      imageDirectory: at('images'),
      directory: folder,
      ca: server.ca,
      rules: { networks: networks.map((text) => parsePrefix(text) as AddressPrefix), mostBytes },
      readSpace: async () => space,
    })
  const fetched = (image = server.url, content = bytes): Promise<BaseImage> =>
    open().prepare({ image, imageChecksum: checksumOf(content) }, quiet, signal)

  describe('are asked for on the internet, and nowhere that only the node reaches', () => {
    it.each([
      ['an address of the machine', () => server.url, []],
      ['its name', () => server.url.replace('127.0.0.1', 'localhost'), []],
      ['another form of its address', () => server.url.replace('127.0.0.1', '2130706433'), []],
      ['its address in the form of IPv6', () => server.url.replace('127.0.0.1', '[::ffff:7f00:1]'), []],
      ['its address in IPv6', () => server.url.replace('127.0.0.1', '[::1]'), ['127.0.0.0/8']],
      ["the clouds' metadata", () => 'https://169.254.169.254/latest/user-data', ['127.0.0.0/8']],
      ['a private network', () => 'https://10.0.0.1/a.qcow2', ['127.0.0.0/8', '10.1.0.0/16']],
    ])('%s', async (_case, url, allowed) => {
      networks = allowed
      await expect(fetched(url())).rejects.toMatchObject({
        reason: 'ImagePullFailed',
        retryable: false,
        message: expect.stringContaining('is not on the internet'),
      })
      expect(server.requests).toEqual([])
      expect(await left()).toEqual([])
    })

    it.each([
      ['a redirect to another address', 'https://169.254.169.254/latest/meta-data', 'is not on the internet'],
      ['a redirect to another port of the machine by name', 'https://[::1]:6443/api', 'is not on the internet'],
      ['a redirect without TLS', 'http://127.0.0.1/a', 'only https:// is followed'],
    ])('%s', async (_case, place, words) => {
      server.redirectTo = place
      await expect(fetched()).rejects.toThrow(words)
      expect(server.requests).toHaveLength(1)
    })

    it('a redirect in a circle', async () => {
      networks = ['127.0.0.0/8']
      server.redirectTo = server.url
      await expect(fetched()).rejects.toThrow('leads through more than 5 other addresses')
      expect(server.requests).toHaveLength(6)
    })

    it('but where the flags of the agent name the network', async () => {
      networks = ['10.0.0.0/8', '127.0.0.0/8']
      expect(await readFile((await fetched()).disk)).toEqual(bytes)
    })
  })

  describe('are no larger than may be', () => {
    it.each([true, false])('whether their length is told: %s', async (told) => {
      server.tellsLength = told
      mostBytes = 100_000
      await expect(fetched()).rejects.toMatchObject({ retryable: false, message: expect.stringContaining('is larger than') })
      expect(await left()).toEqual([])
    })

    it('and leave free what others need', async () => {
      space = { freeBytes: 50 * mib, totalBytes: 1000 * mib }
      await expect(fetched()).rejects.toThrow(/needs 512Ki on the node, where 50Mi stay free, and .* has 50Mi left/)
      expect(server.requests).toHaveLength(1)
      expect(await left()).toEqual([])
    })

    it('also when the disk fills while one comes whose length nobody told', async () => {
      server.tellsLength = false
      server.bytes = Buffer.alloc(48 * mib)
      let looks = 0
      space = {
        totalBytes: 1000 * mib,
        get freeBytes() {
          return looks++ === 0 ? 500 * mib : 50 * mib - 1
        },
      }
      await expect(fetched()).rejects.toThrow('needs more room on the node')
      expect(await left()).toEqual([])
    })
  })

  describe('that were fetched', () => {
    const name = checksumOf(bytes).replace(':', '-')
    const longAgo = new Date(Date.now() - 3 * 24 * 3_600_000)
    const nobody = async () => new Set<string>()

    it('stay while the disk has room, and go when it is nearly full and nobody uses them', async () => {
      await fetched()
      await utimes(at('cache', `${name}.used`), longAgo, longAgo)
      await open().removeUnused(nobody)
      expect(await left()).toEqual([name, `${name}.used`])
      space = { freeBytes: 100 * mib, totalBytes: 1000 * mib }
      await open().removeUnused(nobody)
      expect(await left()).toEqual([])
    })

    it('go for another that needs their room', async () => {
      await fetched()
      await rm(at('bases'), { recursive: true })
      await utimes(at('cache', `${name}.used`), longAgo, longAgo)
      const other = randomBytes(300 * 1024)
      server.bytes = other
      space = { freeBytes: 50 * mib + 100 * 1024, totalBytes: 1000 * mib }
      await expect(fetched(server.url, other)).rejects.toThrow('needs 300Ki')
      expect(await left()).toEqual([])
    })

    it('and never came whole go after a day', async () => {
      await mkdir(at('cache'))
      for (const part of ['old', 'new']) await writeFile(at('cache', `${name}.${part}.part`), 'x')
      await utimes(at('cache', `${name}.old.part`), longAgo, longAgo)
      await open().removeUnused(nobody)
      expect(await left()).toEqual([`${name}.new.part`])
    })

    it('and never came whole go sooner for another that needs their room', async () => {
      await mkdir(at('cache'))
      await writeFile(at('cache', `${name}.begun.part`), 'x')
      const anHourAgo = new Date(Date.now() - 3_600_000)
      await utimes(at('cache', `${name}.begun.part`), anHourAgo, anHourAgo)
      space = { freeBytes: 50 * mib, totalBytes: 1000 * mib }
      await expect(fetched()).rejects.toThrow('needs 512Ki')
      expect(await left()).toEqual([])
    })

    it.skipIf(withoutQemu)('stay with the last disk that lies over them, however full the disk is', async () => {
      const base = await fetched()
      const disk = at('disk.qcow2')
      const qemuImg = (...args: string[]) => execFileSync('qemu-img', args, { stdio: 'pipe' }).toString()
      qemuImg('create', '-q', '-f', 'qcow2', '-b', base.disk, '-F', base.format, disk)
      await utimes(at('cache', `${name}.used`), longAgo, longAgo)
      space = { freeBytes: 0, totalBytes: 1000 * mib }
      await open().removeUnused(async () => new Set([base.key]))
      expect(await left()).toEqual([name, `${name}.used`])
      expect((await stat(at('cache', `${name}.used`))).mtimeMs).toBeGreaterThan(longAgo.getTime())
      qemuImg('convert', '-f', 'qcow2', '-O', 'raw', disk, at('content'))
      expect(await readFile(at('content'))).toEqual(bytes)
      await open().removeUnused(nobody)
      await utimes(at('cache', `${name}.used`), longAgo, longAgo)
      await open().removeUnused(nobody)
      expect(await left()).toEqual([])
    })
  })
})
