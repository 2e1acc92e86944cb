import { createHash, timingSafeEqual } from 'node:crypto'
import type { Vps } from '../../lib/api/kinds/vps.js'

type Keyed = Pick<Vps, 'spec'> & { readonly status?: Vps['status'] | undefined }

/** SHA256:… of a public key, as ssh-keygen shows it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${digestOf(key).toString('base64').replace(/=+$/, '')}`
}

/**
 * Whether a Vps lets in who has this key: one of its authorizedKeys, or the one that was made for it. Takes the same time for every key
 * that is not accepted, and for a Vps that does not exist.
 */
export function acceptsKey(vps: Keyed | undefined, key: Buffer): boolean {
  const offered = digestOf(key)
  let found = false
  for (const line of vps ? keyLines(vps) : []) {
    const [, base64 = ''] = line.split(' ')
    const same = timingSafeEqual(digestOf(Buffer.from(base64, 'base64')), offered)
    found = found || same
  }
  return found
}

function keyLines({ spec: { ssh }, status }: Keyed): readonly string[] {
  if (ssh.mode === 'disabled') return []
  const made = ssh.mode === 'generate' ? status?.sshPublicKey : undefined
  return [...(ssh.authorizedKeys ?? []), ...(made === undefined ? [] : [made])]
}

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
