/**
 * Keys in OpenSSH's own format: "openssh-key-v1", cipher, key derivation and its options, the number of keys, the public key, and the
 * private one, which repeats a random number so that a wrong passphrase shows. Each text is its length as four bytes, and its bytes.
 */
import { generateKeyPairSync, randomBytes } from 'node:crypto'

/** A key that was just made. */
export interface MadeKey {
  /** As a file of ssh has it. */
  readonly privateKey: string
  /** As a line of authorized_keys has it, without a comment. */
  readonly publicKey: string
}

const type = 'ssh-ed25519'
const magic = Buffer.from('openssh-key-v1\0')
const head = '-----BEGIN OPENSSH PRIVATE KEY-----'
const foot = '-----END OPENSSH PRIVATE KEY-----'
/** What is padded to, where nothing is enciphered. */
const blockBytes = 8

export function makeKey(comment: string): MadeKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const { d = '', x = '' } = privateKey.export({ format: 'jwk' })
  const seed = Buffer.from(d, 'base64url')
  const point = Buffer.from(x, 'base64url')
  const blob = Buffer.concat([text(type), text(point)])
  const check = randomBytes(4)
  const secret = Buffer.concat([check, check, text(type), text(point), text(Buffer.concat([seed, point])), text(comment)])
  const padding = Buffer.from(Array.from({ length: (blockBytes - (secret.length % blockBytes)) % blockBytes }, (_, index) => index + 1))
  const one = Buffer.from([0, 0, 0, 1])
  const whole = Buffer.concat([magic, text('none'), text('none'), text(''), one, text(blob), text(Buffer.concat([secret, padding]))])
  const lines = whole.toString('base64').match(/.{1,70}/g) ?? []
  return { privateKey: [head, ...lines, foot, ''].join('\n'), publicKey: `${type} ${blob.toString('base64')}` }
}

/** The public half of a private key, in the same form; undefined when it is none in this format. */
export function publicKeyOf(privateKey: string): string | undefined {
  const lines = privateKey.trim().split(/\r?\n/)
  if (lines[0] !== head || lines.at(-1) !== foot) return undefined
  const bytes = Buffer.from(lines.slice(1, -1).join(''), 'base64')
  if (!bytes.subarray(0, magic.length).equals(magic)) return undefined
  try {
    let at = magic.length
    const next = () => {
      const length = bytes.readUInt32BE(at)
      const piece = bytes.subarray(at + 4, at + 4 + length)
      if (piece.length !== length) throw new RangeError('it ends early')
      at += 4 + length
      return piece
    }
    for (let field = 0; field < 3; field++) next()
    at += 4
    const blob = next()
    const keyType = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString()
    return /^[a-z0-9@.-]+$/.test(keyType) ? `${keyType} ${blob.toString('base64')}` : undefined
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}
