/** Who is let in, and for how long; the machine is none, and the client says what no honest one does. */
import { randomBytes } from 'node:crypto'
import ssh2, { type ParsedKey } from 'ssh2'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import { keyPair } from '../fixtures/key-pair.js'
import { oneMachine } from '../fixtures/one-machine.js'
import { fingerprintOf } from './accepted-keys.js'

let machine: Awaited<ReturnType<typeof oneMachine>>
beforeEach(async () => {
  machine = await oneMachine()
})
afterEach(() => machine.close())

const keyOf = (text: string) => ssh2.utils.parseKey(text) as ParsedKey
const stranger = keyPair()
const algorithm = 'ssh-ed25519'

describe('a login with a key that is accepted', () => {
  it.each<[string, boolean, (data: Buffer) => Buffer]>([
    ['signed by it', true, (data) => keyOf(machine.own.private).sign(data)],
    ['signed by another: whoever knows the public half has no more', false, (data) => keyOf(stranger.private).sign(data)],
    [
      'signed for another connection',
      false,
      (data) => keyOf(machine.own.private).sign(Buffer.concat([randomBytes(36), data.subarray(36)])),
    ],
    ['with a signature of no bytes', false, () => Buffer.alloc(0)],
    ['with rubbish for a signature', false, () => randomBytes(64)],
  ])('%s: %s', async (_case, isIn, sign) => {
    expect(await machine.attempt((wire) => wire.authPK('dev', machine.own.public, algorithm, (data, done) => done(sign(data))))).toBe(isIn)
    const fingerprint = fingerprintOf(keyOf(machine.own.public).getPublicSSH())
    await eventually(() => expect(machine.told.refused.map((keys) => [...keys.keys()])).toEqual(isIn ? [] : [[fingerprint]]))
    expect(machine.told.accepted).toEqual(isIn ? [`${algorithm} ${fingerprint}`] : [])
  })
})

describe('a stranger', () => {
  it('has ten tries', async () => {
    let tries = 0
    const authHandler = () => {
      tries++
      return { type: 'publickey', username: 'dev', key: stranger.private } as const
    }
    expect(await machine.reach({ authHandler }).isIn).toBe(false)
    expect(tries).toBe(11)
  })

  it('puts no words of its own in what people are told', async () => {
    const name = `x\n\u001b[2J${'y'.repeat(1000)}`
    const isIn = await machine.attempt((wire) => wire.authPK('dev', stranger.public, name, (_data, done) => done(Buffer.alloc(64))))
    expect(isIn).toBe(false)
    await eventually(() => expect(machine.told.refused.flatMap((keys) => [...keys.values()])).toEqual([`x???2J${'y'.repeat(58)}`]))
  })
})

describe('a connection ends with', () => {
  const status = (phase: string) => (vps: Vps) => ({ ...vps, status: { ...vps.status, phase } }) as Vps
  const metadata = (more: Partial<Vps['metadata']>) => (vps: Vps) => ({ ...vps, metadata: { ...vps.metadata, ...more } })
  const spec = (more: Partial<Vps['spec']>) => (vps: Vps) => ({ ...vps, spec: { ...vps.spec, ...more } })

  it.each<[string, ((vps: Vps) => Vps) | undefined]>([
    ['its Vps', undefined],
    ['the deletion of its Vps', metadata({ deletionTimestamp: '2026-01-01T00:00:00Z' })],
    ['its Vps, though another one has its name and lets the same key in', metadata({ uid: 'another' })],
    ['the wish that its Vps runs', spec({ running: false })],
    ['its key', spec({ ssh: { mode: 'keys', authorizedKeys: [stranger.public] } })],
    ['ways in', spec({ ssh: { mode: 'disabled' } })],
    ['its machine that has stopped', status('Stopped')],
    ['its machine that has failed', status('Failed')],
  ])('%s', async (_case, change) => {
    const { gone } = await machine.logIn()
    machine.change(change)
    await gone
    await eventually(() => expect(machine.server.size).toBe(0))
  })

  it('nothing of that while its machine is only not seen', async () => {
    const { session, counts } = await machine.logIn()
    machine.change(status('Unknown'))
    session()
    await eventually(() => expect(counts.opened).toBe(1))
    expect(machine.server.size).toBe(1)
  })
})
