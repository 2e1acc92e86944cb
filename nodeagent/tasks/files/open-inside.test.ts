import { mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StepError } from '../../steps/step-error.js'
import { resolveInside } from './open-inside.js'

let folder: string
let root: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-inside-'))
  root = path.join(folder, 'volume')
  await mkdir(path.join(root, 'a/b'), { recursive: true })
  await mkdir(path.join(folder, 'outside'))
  await writeFile(path.join(folder, 'outside/secret'), 'x')
  await writeFile(path.join(root, 'a/file'), 'x')
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

describe('a path inside a volume', () => {
  it.each([
    ['a', 'a'],
    ['a/b', 'a/b'],
    ['./a//b/', 'a/b'],
    ['a/file', 'a/file'],
    ['new/deep', 'new/deep'],
    ['', ''],
  ])('%j is %j', async (inner, found) => {
    expect(await resolveInside(root, inner)).toBe(path.join(root, found))
  })

  it.each(['..', 'a/../..', 'a/b/../../..', 'a\0b', '/..'])('%j is refused', async (inner) => {
    await expect(resolveInside(root, inner)).rejects.toThrow(StepError)
  })

  it.each([
    ['a link to a directory outside', '../outside', 'link'],
    ['a link to a directory outside, in the middle', '../outside', 'link/deep'],
    ['an absolute link', '/etc', 'link'],
    ['a link to a file outside', '../outside/secret', 'link'],
    ['a link inside the volume', 'a', 'link'],
    ['a link that leads nowhere', 'nowhere', 'link'],
  ])('%s is not followed', async (_what, target, inner) => {
    await symlink(target, path.join(root, 'link'))
    await expect(resolveInside(root, inner)).rejects.toThrow('does not stay inside its volume')
  })

  it('a file in the middle is no directory', async () => {
    await expect(resolveInside(root, 'a/file/deep')).rejects.toThrow(StepError)
  })

  it('never leads outside while somebody swaps directories and links', { timeout: 120_000 }, async () => {
    const rounds = process.env.MILLRACE_TEST_LONG === '1' ? 10_000 : 500
    const [swapped, aside] = [path.join(root, 'a'), path.join(root, 'aside')]
    let swapping = true
    const clear = () => rm(swapped, { recursive: true, force: true, maxRetries: 100, retryDelay: 1 })
    /** What is looked for may be made meanwhile. */
    const insist = async (act: () => Promise<void>) => {
      while (
        await act().then(
          () => false,
          () => true,
        )
      )
        await clear()
    }
    const swaps = (async () => {
      while (swapping) {
        await rename(swapped, aside)
        await insist(() => symlink('../outside', swapped))
        await clear()
        await insist(() => rename(aside, swapped))
      }
    })()
    let inside = 0
    for (let round = 0; round < rounds; round++) {
      const found = await resolveInside(root, 'a/b').catch((error) => {
        expect(error.message).not.toContain('secret')
        return undefined
      })
      if (found === undefined) continue
      inside++
      expect(found.startsWith(`${root}/`), found).toBe(true)
    }
    swapping = false
    await swaps
    expect(await readdir(path.join(folder, 'outside'))).toEqual(['secret'])
    expect(inside).toBeGreaterThan(0)
  })
})
