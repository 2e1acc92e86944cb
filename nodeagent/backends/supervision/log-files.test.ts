import { execFile } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import type { LogLine } from '../backend.js'
import { readLogFiles } from './log-files.js'
import { startShim } from './shim.js'

let folder: string
let file: string
const time = '2026-01-01T00:00:00.000000000Z'
const never = new AbortController().signal

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-log-'))
  file = path.join(folder, 'log')
})
afterEach(async () => await rm(folder, { recursive: true, force: true }))

const whole = (text: string) => `${time} stdout F ${text}\n`
const piece = (text: string) => `${time} stdout P ${text}\n`
const read = async (options: { tailLines?: number; sinceMs?: number } = {}) => {
  const texts: string[] = []
  const hasEnded = async () => true
  for await (const { bytes } of readLogFiles(file, { follow: false, hasEnded, recordFolder: folder, ...options }, never))
    texts.push(bytes.toString())
  return texts.join('')
}

describe('log files', () => {
  it('are read as one, the oldest first', async () => {
    await writeFile(`${file}.2`, whole('a'))
    await writeFile(`${file}.1`, whole('b') + piece('c'))
    await writeFile(file, whole('d') + whole('e'))
    expect(await read()).toBe('a\nb\ncd\ne\n')
  })

  it.each([
    [0, ''],
    [1, 'f\n'],
    [2, 'de\nf\n'],
    [3, 'c\nde\nf\n'],
    [5, 'a\nb\nc\nde\nf\n'],
    [99, 'a\nb\nc\nde\nf\n'],
  ])('their last %i lines, pieces joined, are %j', async (tailLines, text) => {
    await writeFile(`${file}.1`, whole('a') + whole('b'))
    await writeFile(file, whole('c') + piece('d') + whole('e') + whole('f'))
    expect(await read({ tailLines })).toBe(text)
  })

  it('the tail of long lines over many chunks is exact', async () => {
    const lines = Array.from({ length: 500 }, (_, n) => `${n}:${'x'.repeat((n * 37) % 3000)}`)
    await writeFile(file, lines.map(whole).join(''))
    for (const count of [1, 7, 63, 64, 65, 250, 499, 500])
      expect(await read({ tailLines: count })).toBe(
        lines
          .slice(-count)
          .map((line) => `${line}\n`)
          .join(''),
      )
  })

  it('that are not there are empty', async () => {
    expect(await read()).toBe('')
  })

  it('are followed over rotations without loss', async () => {
    const got: string[] = []
    let ended = false
    const following = (async () => {
      for await (const { bytes } of readLogFiles(file, { follow: true, hasEnded: async () => ended, recordFolder: folder }, never))
        got.push(bytes.toString())
    })()
    const written: string[] = []
    for (let n = 0; n < 300; n++) {
      await appendFile(file, whole(String(n)))
      written.push(`${n}\n`)
      if (n % 50 === 49) {
        // A rotation more than there are files would lose lines to anybody.
        await eventually(() => expect(got.length).toBeGreaterThan(n - 120))
        for (const age of [3, 2, 1]) await rename(`${file}.${age}`, `${file}.${age + 1}`).catch(() => {})
        await rename(file, `${file}.1`)
        await writeFile(file, '')
      }
    }
    ended = true
    await following
    expect(got).toEqual(written)
  })

  it('a follower that goes away ends', async () => {
    const ending = new AbortController()
    await writeFile(file, whole('a'))
    const lines: LogLine[] = []
    const following = (async () => {
      for await (const line of readLogFiles(file, { follow: true, hasEnded: async () => false, recordFolder: folder }, ending.signal)) {
        lines.push(line)
        ending.abort(new Error('enough'))
      }
    })()
    await expect(following).rejects.toThrow('enough')
    expect(lines).toHaveLength(1)
  })
})

describe('the shim', () => {
  const run = async (script: string, limits: { maxBytes?: number; maxFiles?: number } = {}) => {
    await mkdir(path.join(folder, 'runs'), { recursive: true })
    const prefix = path.join(folder, 'runs', 'u.0.0')
    await writeFile(`${prefix}.run`, '{}')
    await startShim({
      prefix,
      label: 'u.0.0',
      logFile: file,
      command: ['sh', '-c', script],
      env: { PATH: process.env.PATH ?? '' },
      workingDirectory: '/',
      searchPath: process.env.PATH ?? '',
      ...limits,
    })
    return eventually(() => readFile(`${prefix}.exit`, 'utf8'))
  }

  it('keeps every byte of what is written on both streams at once', async () => {
    await run('i=0; while [ $i -lt 3000 ]; do echo "out $i"; echo "err $i" >&2; i=$((i+1)); done; printf "no line feed"')
    const text = await read()
    for (const stream of ['out', 'err'])
      expect(text.match(new RegExp(`${stream} \\d+\n`, 'g'))).toEqual(Array.from({ length: 3000 }, (_, n) => `${stream} ${n}\n`))
    expect(text).toContain('no line feed')
  })

  it('rotates, and keeps so many files', async () => {
    await run('i=0; while [ $i -lt 20000 ]; do echo "line $i 0123456789012345678901234567890123456789"; i=$((i+1)); done', {
      maxBytes: 300_000,
      maxFiles: 3,
    })
    expect((await readdir(folder)).filter((name) => name.startsWith('log')).sort()).toEqual(['log', 'log.1', 'log.2'])
    for (const name of ['log', 'log.1', 'log.2']) expect((await readFile(path.join(folder, name))).length).toBeLessThanOrEqual(300_000)
    const lines = (await read()).trim().split('\n')
    expect(lines.at(-1)).toMatch(/^line 19999 /)
    expect(lines.map((line) => Number(line.split(' ')[1]))).toEqual(
      Array.from({ length: lines.length }, (_, n) => 20_000 - lines.length + n),
    )
  })

  it('writes long lines in pieces, whole again when read', async () => {
    await run('head -c 100000 /dev/zero | tr "\\0" x; echo')
    expect(await read()).toBe(`${'x'.repeat(100_000)}\n`)
  })

  it('ends what the command left behind, even in a session of its own', async () => {
    const mark = `9${Math.floor(Math.random() * 1e8)}`
    await run(`setsid sh -c 'setsid sleep ${mark} & sleep ${mark}' & sleep ${mark} & sleep 0.2; exit 5`)
    const { stdout } = await promisify(execFile)('ps', ['-eo', 'args'])
    expect(stdout).not.toContain(`sleep ${mark}`)
  })

  it('does not start a run whose record was removed, or that has started already', async () => {
    await mkdir(path.join(folder, 'runs'), { recursive: true })
    const prefix = path.join(folder, 'runs', 'u.0.0')
    const orders = {
      prefix,
      label: 'u.0.0',
      logFile: file,
      command: ['touch', path.join(folder, 'ran')],
      env: { PATH: process.env.PATH ?? '' },
      workingDirectory: '/',
      searchPath: process.env.PATH ?? '',
    }
    await startShim(orders)
    await writeFile(`${prefix}.run`, '{}')
    await writeFile(`${prefix}.started`, '')
    await startShim(orders)
    expect(await readdir(folder)).toEqual(['runs'])
    expect((await readdir(path.join(folder, 'runs'))).sort()).toEqual(['u.0.0.run', 'u.0.0.started'])
  })
})
