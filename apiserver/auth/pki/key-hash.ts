import { createHash, type KeyObject } from 'node:crypto'

/** Names a public key: SHA-256 of its SPKI, hex. */
export function keyHash(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
}
