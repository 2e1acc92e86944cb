import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { BackendError } from '../../backend.js'

/** Compares a file with `sha256:…` or `sha512:…`. Rejects with BackendError, in words, when it is another. */
export async function requireChecksum(file: string, checksum: string, name: string, signal: AbortSignal): Promise<void> {
  const algorithm = checksum.slice(0, checksum.indexOf(':'))
  const found = `${algorithm}:${await digestOf(file, algorithm, signal)}`
  if (found === checksum) return
  throw new BackendError(
    'ImagePullFailed',
    `the image ${name} is not the one that spec.imageChecksum says: it has ${found}, expected was ${checksum}; it was not used: fetch it again, or take the checksum that its publisher says now`,
    false,
  )
}

/** The digest of a file, in hexadecimal digits. */
export async function digestOf(file: string, algorithm: string, signal: AbortSignal): Promise<string> {
  const hash = createHash(algorithm)
  for await (const chunk of createReadStream(file, { signal, highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}
