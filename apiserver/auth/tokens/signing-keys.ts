/**
 * The keys that sign ServiceAccounts' tokens. A key signs for a month; after it, it verifies for as long as a token that it signed may
 * still be good. Kept in one file, 0600, that is written whole before a new key signs anything.
 *
 *     const keys = await openSigningKeys({ file: join(directory, 'token-keys.json'), clock })
 *     await keys.rotate()      // now and then
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { dirname } from 'node:path'
import { calculateJwkThumbprint, exportJWK, type JWK } from 'jose'
import type { Clock } from '../../../lib/base/clock.js'
import { ensurePrivateFolder, readCredentialFile, writeCredentialFile } from '../pki/credential-file.js'
import { generateKeyPem } from '../pki/generate-key-pem.js'

const dayMs = 24 * 3_600_000
export const signsForMs = 30 * dayMs
/** The longest life of a token. */
export const maxTokenLifeMs = 90 * dayMs

export interface SigningKey {
  readonly id: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** As others fetch it to verify tokens. */
  readonly jwk: JWK
}

export interface SigningKeys {
  /** The newest. */
  readonly current: SigningKey
  find(id: string): SigningKey | undefined
  all(): readonly SigningKey[]
  /** Makes a new key when the newest has signed for long enough, and forgets those that verify nothing any more. */
  rotate(): Promise<void>
}

interface StoredKey {
  readonly pem: string
  /** Milliseconds since the epoch. */
  readonly madeAtMs: number
}

interface KnownKey extends StoredKey {
  readonly key: SigningKey
}

/** Without a file the keys live as long as the process. Throws a sentence when the file cannot be used. */
export async function openSigningKeys({ file, clock }: { file?: string; clock: Clock }): Promise<SigningKeys> {
  const known: KnownKey[] = []
  for (const stored of file === undefined ? [] : await readKeys(file)) known.push({ ...stored, key: await readKey(stored.pem) })

  const rotate = async () => {
    const nowMs = clock.now()
    const newest = known.at(-1)
    const kept = known.filter(({ madeAtMs }) => nowMs < madeAtMs + signsForMs + maxTokenLifeMs)
    if (!newest || nowMs >= newest.madeAtMs + signsForMs) {
      const pem = generateKeyPem()
      kept.push({ pem, madeAtMs: nowMs, key: await readKey(pem) })
    }
    if (kept.length === known.length && kept.at(-1) === newest) return
    if (file !== undefined) await writeKeys(file, kept)
    known.splice(0, known.length, ...kept)
  }
  await rotate()

  return {
    get current() {
      const newest = known.at(-1)
      if (!newest) throw new Error('no key to sign tokens with')
      return newest.key
    },
    find: (id) => known.find(({ key }) => key.id === id)?.key,
    all: () => known.map(({ key }) => key),
    rotate,
  }
}

async function readKey(pem: string): Promise<SigningKey> {
  const privateKey = createPrivateKey(pem)
  const publicKey = createPublicKey(privateKey)
  const jwk = await exportJWK(publicKey)
  const id = await calculateJwkThumbprint(jwk)
  return { id, privateKey, publicKey, jwk: { ...jwk, kid: id, alg: 'ES256', use: 'sig' } }
}

async function readKeys(file: string): Promise<readonly StoredKey[]> {
  await ensurePrivateFolder(dirname(file))
  const text = await readCredentialFile(file)
  if (text === undefined) return []
  try {
    return (JSON.parse(text) as { keys: StoredKey[] }).keys.map(({ pem, madeAtMs }) => ({ pem, madeAtMs }))
  } catch (cause) {
    throw new Error(
      `${file} cannot be read as the keys of ServiceAccounts' tokens. Put it back from a backup; or remove it to start with a new key, which ends every token.`,
      { cause },
    )
  }
}

function writeKeys(file: string, keys: readonly KnownKey[]): Promise<void> {
  return writeCredentialFile(file, `${JSON.stringify({ keys: keys.map(({ pem, madeAtMs }) => ({ pem, madeAtMs })) }, undefined, 2)}\n`)
}
