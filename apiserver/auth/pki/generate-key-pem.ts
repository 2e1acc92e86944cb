import { generateKeyPairSync } from 'node:crypto'

/** A new P-256 private key, PKCS#8 PEM. */
export function generateKeyPem(): string {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
