import { describe, expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { acceptsKey, fingerprintOf } from './accepted-keys.js'

const key = Buffer.from('a key')
const line = (bytes: Buffer) => `ssh-ed25519 ${bytes.toString('base64')} ann@home`
const vps = (ssh: Partial<Vps['spec']['ssh']>, sshPublicKey?: string) =>
  ({ spec: { ssh: { mode: 'keys', ...ssh } }, status: { sshPublicKey } }) as unknown as Vps

describe('a key', () => {
  it.each<[string, Vps | undefined, boolean]>([
    ['that is listed', vps({ authorizedKeys: [line(Buffer.from('other')), line(key)] }), true],
    ['that is not listed', vps({ authorizedKeys: [line(Buffer.from('other'))] }), false],
    ['of a Vps that does not exist', undefined, false],
    ['of a Vps that lets nobody in', vps({ mode: 'disabled', authorizedKeys: [line(key)] }), false],
    ['that was made for the Vps', vps({ mode: 'generate' }, line(key)), true],
    ['that was made for a Vps which now takes listed ones alone', vps({ mode: 'keys', authorizedKeys: [] }, line(key)), false],
    ['that is listed beside the one that was made', vps({ mode: 'generate', authorizedKeys: [line(key)] }), true],
    ['whose line is broken', vps({ authorizedKeys: ['ssh-ed25519'] }), false],
  ])('%s: accepted is %s', (_case, machine, accepted) => {
    expect(acceptsKey(machine, key)).toBe(accepted)
  })

  it('has the fingerprint that ssh-keygen shows', () => {
    const bytes = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIGOAvJpM2nDpkxsWuSB8Qqsqv2bLPMbA0yUxCqPE2ZSW', 'base64')
    expect(fingerprintOf(bytes)).toMatch(/^SHA256:[A-Za-z0-9+/]{43}$/)
  })
})
