import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../testing/eventually.js'
import { ManualClock } from '../../testing/manual-clock.js'
import type { RawRequest, RawResponse } from '../client.js'
import { keepTokenFresh } from './keep-token-fresh.js'

const hourMs = 3_600_000
const issuedAt = Date.UTC(2026, 0, 1) / 1000

interface Made {
  readonly iat?: number
  readonly exp?: number
  readonly name?: string
  readonly about?: object
}

function aToken({ iat = issuedAt, exp = iat + 3600, name = 'robot', about = {} }: Made = {}): string {
  const claims = { iat, exp, aud: ['here'], 'kubernetes.io': { namespace: 'shop', serviceaccount: { name, uid: 'u' }, ...about } }
  return `eyJ.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.c2ln`
}

let folder: string
let file: string
let clock: ManualClock
let stop: AbortController
let asked: RawRequest[]
let used: string[]
let warnings: string[]
let running: Promise<void>[]
/** What the server answers. */
let answer: () => string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'token-'))
  file = join(folder, 'config')
  clock = new ManualClock()
  stop = new AbortController()
  asked = []
  used = []
  warnings = []
  running = []
  answer = () => aToken({ iat: Math.floor(clock.now() / 1000) })
})
afterEach(async () => {
  stop.abort()
  await Promise.all(running)
  rmSync(folder, { recursive: true })
})

function keep(token: string, place?: { file: string; user: string }): Promise<void> {
  const send = async (request: RawRequest): Promise<RawResponse> => {
    asked.push(request)
    const token = answer()
    return { text: async () => JSON.stringify({ status: { token } }) } as RawResponse
  }
  const all = {
    token,
    place,
    send,
    use: (next: string) => used.push(next),
    clock,
    warn: (text: string) => warnings.push(text),
    random: () => 0.5,
  }
  const kept = keepTokenFresh(all, stop.signal)
  running.push(kept)
  return kept
}

/** As real programs see it: what each timer sets off has ended before the next one. */
async function pass(durationMs: number): Promise<void> {
  for (let left = durationMs; left > 0; left -= 30_000) {
    await clock.advance(Math.min(left, 30_000))
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
}

/** For what waits for a file, too. */
const passUntil = (isSo: () => boolean) =>
  eventually(async () => {
    await pass(30_000)
    return isSo()
  })

function writeFile(token: string): void {
  writeFileSync(file, `users: [{name: me, user: {token: ${token}}}]\n`)
}

describe('a token', () => {
  it('is replaced half-way through its life, again and again', async () => {
    void keep(aToken())
    await pass(0.49 * hourMs)
    expect(asked).toEqual([])
    await pass(0.02 * hourMs)
    expect(used).toHaveLength(1)
    await pass(2.5 * hourMs)
    expect(used).toHaveLength(6)
    expect(warnings).toEqual([])
  })

  it('is asked for with the same life, for the same audiences, bound to the same object', async () => {
    void keep(aToken({ exp: issuedAt + 7200, about: { secret: { name: 's', uid: 'us' } } }))
    await pass(1.01 * hourMs)
    expect(asked).toMatchObject([
      {
        path: '/api/v1/namespaces/shop/serviceaccounts/robot/token',
        body: {
          spec: {
            audiences: ['here'],
            expirationSeconds: 7200,
            boundObjectRef: { apiVersion: 'v1', kind: 'Secret', name: 's', uid: 'us' },
          },
        },
      },
    ])
  })

  it.each([
    ['no token of a ServiceAccount', 'eyJ.e30.c2ln'],
    ['no JSON', 'eyJ.bm8.c2ln'],
    ['one without an end', aToken({ exp: Number.NaN })],
    ['one that is bound to something unknown', aToken({ about: { moon: { name: 'm', uid: 'u' } } })],
  ])('is let be where it is %s', async (_what, token) => {
    await keep(token)
    expect(clock.timers).toBe(0)
  })

  it('is not asked for in a loop where the clock is hours ahead of the server', async () => {
    answer = () => aToken()
    await clock.advance(0.9 * hourMs)
    void keep(aToken())
    await pass(1.1 * hourMs)
    expect(used).toHaveLength(3)
  })

  it('that cannot be renewed is told once, and tried again a few times an hour', async () => {
    answer = () => {
      throw new Error('forbidden')
    }
    void keep(aToken())
    await pass(hourMs - 30_000)
    expect(asked.length).toBeGreaterThan(4)
    expect(asked.length).toBeLessThan(10)
    expect(warnings).toEqual([
      expect.stringMatching(/^the token of the ServiceAccount shop\/robot, good until 2026-01-01T01:00:00Z, is not renewed: forbidden/),
    ])
    answer = () => aToken({ iat: issuedAt + 3600 })
    await pass(10 * 60_000)
    expect([used.length, warnings.length]).toEqual([1, 1])
  })

  it('that has ended is taken from the file when somebody puts a new one there', async () => {
    answer = () => {
      throw new Error('Unauthorized')
    }
    writeFile(aToken())
    await clock.advance(2 * hourMs)
    void keep(aToken(), { file, user: 'me' })
    await passUntil(() => warnings.length > 0)
    const next = aToken({ iat: issuedAt + 2 * 3600 })
    writeFile(next)
    await passUntil(() => used.length > 0)
    expect(used).toEqual([next])
  })
})

describe('the kubeconfig', () => {
  it('gives a newer token that another program has put there, so that two ask once', async () => {
    const next = aToken({ iat: issuedAt + 1500 })
    writeFile(next)
    void keep(aToken(), { file, user: 'me' })
    await passUntil(() => used.length > 0)
    expect([asked, used]).toEqual([[], [next]])
  })

  it.each([
    ['another account', aToken({ name: 'other' })],
    ['something else', 'abc'],
  ])('keeps a token of %s that somebody has put there', async (_whose, token) => {
    writeFile(token)
    void keep(aToken(), { file, user: 'me' })
    await passUntil(() => used.length > 1)
    expect(readFileSync(file, 'utf8')).toContain(token)
    expect(warnings).toEqual([])
  })

  it('that cannot be written is told once, without the token, and the token is used all the same', async () => {
    writeFile(aToken())
    rmSync(file)
    writeFileSync(`${file}.d`, '')
    // Not a folder: nothing can be read or written below it, whoever runs the test.
    void keep(aToken(), { file: join(`${file}.d`, 'config'), user: 'me' })
    await passUntil(() => used.length >= 3)
    expect(warnings).toEqual([
      expect.stringMatching(/^the renewed token of the ServiceAccount shop\/robot is used, but could not be kept: .*config/),
    ])
    for (const token of used) expect(warnings.join()).not.toContain(token)
  })

  it('that cannot be read is no reason to let the token end', async () => {
    writeFileSync(file, 'users: {')
    void keep(aToken(), { file, user: 'me' })
    await passUntil(() => used.length > 0)
    expect(readFileSync(file, 'utf8')).toBe('users: {')
  })

  it('that is JSON stays JSON', async () => {
    const before = { kind: 'Config', users: [{ name: 'me', user: { token: aToken(), tags: ['a', 1, true, null] } }] }
    writeFileSync(file, JSON.stringify(before))
    void keep(aToken(), { file, user: 'me' })
    await passUntil(() => readFileSync(file, 'utf8').includes(used[0] ?? 'none yet'))
    const [user] = before.users
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...before, users: [{ ...user, user: { ...user?.user, token: used[0] } }] })
  })
})
