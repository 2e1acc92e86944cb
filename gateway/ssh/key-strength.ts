import { createPublicKey } from 'node:crypto'
import type { ParsedKey } from 'ssh2'

const minRsaBits = 2048

/** Whether a signature by the key proves something these days: no RSA below 2048 bits, and none with SHA-1. */
export function isStrongEnough(key: ParsedKey, hashAlgorithm: string | undefined): boolean {
  if (key.type !== 'ssh-rsa') return key.type === 'ssh-ed25519' || key.type.startsWith('ecdsa-sha2-nistp')
  const { modulusLength = 0 } = createPublicKey(key.getPublicPEM()).asymmetricKeyDetails ?? {}
  return modulusLength >= minRsaBits && (hashAlgorithm === 'sha256' || hashAlgorithm === 'sha512')
}
