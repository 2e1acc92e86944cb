import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'

/** A 256-bit key and the name under which rows refer to it. */
export interface SealingKey {
  readonly id: string
  readonly key: KeyObject
}

/**
 * The keys that seal encrypted kinds at rest: AES-256-GCM, a random nonce per row, and the row's identity as associated data, so that
 * sealed bytes moved to another row do not open. Sealed bytes are nonce (12), tag (16), ciphertext.
 */
export class Keyring {
  private readonly keys: ReadonlyMap<string, SealingKey>

  /** The first key seals; all of them open. */
  constructor(keys: readonly [SealingKey, ...SealingKey[]]) {
    this.primary = keys[0]
    this.keys = new Map(keys.map((key) => [key.id, key]))
  }

  readonly primary: SealingKey

  seal(plain: Buffer, identity: string): { bytes: Buffer; sealedBy: string } {
    const nonce = randomBytes(nonceLength)
    const cipher = createCipheriv(algorithm, this.primary.key, nonce)
    cipher.setAAD(Buffer.from(identity))
    const body = Buffer.concat([cipher.update(plain), cipher.final()])
    return { bytes: Buffer.concat([nonce, cipher.getAuthTag(), body]), sealedBy: this.primary.id }
  }

  /** Throws when the key is unknown, or the bytes are not what was sealed under this identity. */
  open(bytes: Buffer, identity: string, sealedBy: string): Buffer {
    const key = this.keys.get(sealedBy)
    if (!key)
      throw new Error(
        `the key file has no key ${sealedBy}, which sealed ${identity}: put the secrets.key that belongs to this data in its place`,
      )
    const decipher = createDecipheriv(algorithm, key.key, bytes.subarray(0, nonceLength))
    decipher.setAAD(Buffer.from(identity))
    decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
    try {
      return Buffer.concat([decipher.update(bytes.subarray(nonceLength + tagLength)), decipher.final()])
    } catch {
      throw new Error(
        `the sealed bytes of ${identity} do not open with key ${sealedBy}: they were changed, moved, or sealed by another key`,
      )
    }
  }
}

const algorithm = 'aes-256-gcm'
const nonceLength = 12
const tagLength = 16

export function createSealingKey(): SealingKey {
  return { id: randomBytes(4).toString('hex'), key: createSecretKey(randomBytes(32)) }
}
