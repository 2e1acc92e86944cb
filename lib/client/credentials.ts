import { readFileSync, statSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { ClientConfig, PemSource } from './client-config.js'

/** What one connection is made with. `version` changes whenever a file behind it changed. */
export interface Credentials {
  readonly version: number
  readonly ca: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** The value of the Authorization header. */
  readonly authorization: string | undefined
}

/** Files are looked at again this often at most, milliseconds. */
const recheckMs = 1000

/**
 * Reads the credentials of a config, and reads files again when they were replaced. While a replaced set cannot be read (a certificate
 * without its new key, say), the last good one stays.
 */
export function createCredentialsReader(config: ClientConfig): () => Credentials {
  const sources = [config.ca, config.certificate, config.key].filter((source) => source !== undefined)
  const files = sources.flatMap((source) => ('file' in source ? [source.file] : [])).concat(config.tokenFile ?? [])
  let current: Credentials | undefined
  let seen = ''
  let checkedAt = 0

  const read = (version: number): Credentials => {
    const token = config.tokenFile === undefined ? config.token : readFileSync(config.tokenFile, 'utf8').trim()
    return {
      version,
      ca: readPem(config.ca),
      certificate: readPem(config.certificate),
      key: readPem(config.key),
      authorization: token ? `Bearer ${token}` : undefined,
    }
  }

  return () => {
    if (current && (files.length === 0 || performance.now() - checkedAt < recheckMs)) return current
    checkedAt = performance.now()
    if (!current) {
      current = read(0)
      seen = fingerprint(files)
      return current
    }
    try {
      const now = fingerprint(files)
      if (now !== seen) {
        const next = read(current.version + 1)
        // Throws while one of a pair is the old one yet.
        createSecureContext({ cert: next.certificate, key: next.key, ca: next.ca })
        current = next
        seen = now
      }
    } catch {
      // A file is being replaced: the next call looks again.
    }
    return current
  }
}

function readPem(source: PemSource | undefined): string | undefined {
  if (source === undefined) return undefined
  return 'data' in source ? source.data : readFileSync(source.file, 'utf8')
}

function fingerprint(files: readonly string[]): string {
  return files
    .map((file) => {
      const { mtimeMs, ino, size } = statSync(file)
      return `${mtimeMs}:${ino}:${size}`
    })
    .join(' ')
}
