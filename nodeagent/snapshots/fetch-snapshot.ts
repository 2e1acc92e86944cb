/**
 * A snapshot of another node comes here as a file: through the API server, from the agent that has it. What has arrived stays over a broken
 * connection and over a restart of the agent, and the copy goes on behind it; it counts only when its digest is the one that was announced.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, rm, stat, statfs } from 'node:fs/promises'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { ApiError } from '../../lib/api/api-error.js'
import type { Client, RawResponse } from '../../lib/client/client.js'
import { BackendError } from '../backends/backend.js'
import { makeFolder } from '../files/make-folder.js'
import { putInPlace } from '../files/write-whole.js'

export interface SnapshotCopy {
  readonly namespace: string
  readonly name: string
  readonly uid: string
}

export interface FetchSnapshotOptions {
  readonly client: Pick<Client, 'raw'>
  /** The agent's own folder for files on their way. */
  readonly folder: string
  readonly onProgress: (text: string) => void
}

/** Until the first byte: the other agent makes the file when it is first asked for it. */
const longestWaitMs = 1_800_000

/** Resolves with the file, whole and compared. Rejects with BackendError, retryable where going on may help. */
export async function fetchSnapshot(copy: SnapshotCopy, options: FetchSnapshotOptions, signal: AbortSignal): Promise<string> {
  const { folder, onProgress } = options
  await makeFolder(folder)
  const whole = path.join(folder, `${copy.uid}.snapshot`)
  if ((await sizeOf(whole)) !== undefined) return whole
  const part = path.join(folder, `${copy.uid}.part`)
  const offset = (await sizeOf(part)) ?? 0
  const response = await ask(copy, offset, options, signal).catch(async (error: unknown) => {
    if (offset === 0 || !(error instanceof ApiError) || error.code !== 400) throw error
    // There is nothing at this byte of what it is now.
    await rm(part, { force: true })
    throw failed(`snapshot ${copy.name} cannot go on at byte ${offset}; it is copied again: ${error.message}`)
  })
  const { sizeBytes, digest, from } = announced(response)
  // Another file than the one that was begun, or a server that sends all of it.
  if (from !== offset) await rm(part, { force: true })
  if (from !== offset && from !== 0) throw failed(`the copy of snapshot ${copy.name} goes on at byte ${from} instead of ${offset}`)
  await assertRoom(folder, sizeBytes - from, copy.name)
  await receive(response, part, from, (bytes) =>
    onProgress(`copying snapshot ${copy.name}: ${percent(bytes, sizeBytes)} of ${sizeBytes} bytes`),
  )
  const received = await digestOf(part)
  if (received !== digest) {
    await rm(part, { force: true })
    throw failed(`snapshot ${copy.name} arrived with digest ${received} instead of ${digest}; it is copied again`)
  }
  await putInPlace(part, whole)
  return whole
}

/** Removes what has arrived in the folder, whole or not. */
export async function removeArrived(folder: string): Promise<void> {
  const files = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  for (const file of files) if (/\.(part|snapshot)$/.test(file)) await rm(path.join(folder, file), { force: true })
}

async function ask(
  { namespace, name }: SnapshotCopy,
  offset: number,
  { client }: FetchSnapshotOptions,
  signal: AbortSignal,
): Promise<RawResponse> {
  const path = `/apis/millrace.dev/v1/namespaces/${encodeURIComponent(namespace)}/vpssnapshots/${encodeURIComponent(name)}/content`
  return await client.raw({ method: 'GET', path, headers: { range: `bytes=${offset}-` }, timeoutMs: longestWaitMs, signal })
}

function announced({ status, headers }: RawResponse): { sizeBytes: number; digest: string; from: number } {
  const digest = String(headers.etag ?? '').replaceAll('"', '')
  const [, from, size] = /^bytes (\d+)-\d+\/(\d+)$/.exec(String(headers['content-range'] ?? '')) ?? []
  const sizeBytes = Number(status === 206 ? size : headers['content-length'])
  if (!digest.startsWith('sha256:') || !Number.isSafeInteger(sizeBytes))
    throw failed('the server says neither size nor digest of the snapshot')
  return { sizeBytes, digest, from: status === 206 ? Number(from) : 0 }
}

async function receive(response: RawResponse, part: string, from: number, onBytes: (bytes: number) => void): Promise<void> {
  const file = await open(part, from === 0 ? 'w' : 'a', 0o600)
  try {
    let bytes = from
    for await (const chunk of response.body) {
      await file.write(chunk)
      bytes += chunk.length
      onBytes(bytes)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

async function assertRoom(folder: string, bytes: number, name: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder)
  if (bavail * bsize < bytes)
    throw new BackendError('CreateFailed', `snapshot ${name} needs ${bytes} bytes in ${folder}, where ${bavail * bsize} are free`, true)
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return `sha256:${hash.digest('hex')}`
}

async function sizeOf(file: string): Promise<number | undefined> {
  try {
    return (await stat(file)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const percent = (bytes: number, of: number) => `${of === 0 ? 100 : Math.floor((bytes / of) * 100)} %`
const failed = (message: string) => new BackendError('CreateFailed', message, true)
