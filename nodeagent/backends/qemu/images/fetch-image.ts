/**
 * Fetches a file by HTTPS to where it was asked for. What came stays when the connection breaks, and the next request asks for the rest, in this
 * call or, after a kill, in the next one; the caller compares the whole.
 */
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import path from 'node:path'
import { pipeline } from 'node:stream/promises'
import { printBytes } from '../../../../lib/api/quantity.js'
import { backoffDelayMs } from '../../../../lib/base/backoff.js'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { BackendError } from '../../backend.js'
import { isFull, requireSpace } from './free-space.js'

export interface ImageFetch {
  readonly url: string
  readonly file: string
  /** Certificates that are trusted, as PEM; absent: those of the machine. */
  readonly ca?: string | undefined
  readonly onProgress: (text: string) => void
}

/** Failures without a byte in between, before it gives up: the next call goes on. */
const triesWithoutProgress = 5
const silenceMs = 30_000
const mostRedirects = 5
const progressMs = 2000

/** Rejects with BackendError. */
export async function fetchImage(fetch: ImageFetch, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ; ) {
    const before = await sizeOf(fetch.file)
    try {
      return await fetchRest(fetch, before, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BackendError) throw error
      if (isFull(error)) throw new BackendError('CreateFailed', `the image ${fetch.url} does not fit: no space is left on the node`, true)
      failures = (await sizeOf(fetch.file)) > before ? 1 : failures + 1
      if (failures >= triesWithoutProgress)
        throw new BackendError('ImagePullFailed', `the image ${fetch.url} could not be fetched: ${(error as Error).message}`, true, {
          cause: error,
        })
      await sleep(systemClock, backoffDelayMs(failures - 1, { initialMs: 250, maxMs: 5000 }), signal)
    }
  }
}

async function fetchRest(fetch: ImageFetch, from: number, signal: AbortSignal): Promise<void> {
  const response = await request(fetch, from, signal)
  const { statusCode = 0, headers } = response
  try {
    if (statusCode === 416) {
      // All is there, or what is there is of another file: the checksum tells.
      if (/^bytes \*\/(\d+)$/.exec(headers['content-range'] ?? '')?.[1] === String(from)) return
      await rm(fetch.file, { force: true })
      throw new Error('the server has another file than the one that was begun')
    }
    if (statusCode !== 200 && statusCode !== 206) throw refusal(fetch.url, statusCode)
    const start = statusCode === 206 ? Number(/^bytes (\d+)-/.exec(headers['content-range'] ?? '')?.[1] ?? -1) : 0
    if (start !== from && start !== 0) throw new Error('the server answered with another part than the one that was asked for')
    const rest = headers['content-length'] === undefined ? undefined : Number(headers['content-length'])
    if (rest !== undefined) await requireSpace(path.dirname(fetch.file), rest, `the image ${fetch.url}`)
    tellProgress(response, fetch, start, rest)
    await pipeline(response, createWriteStream(fetch.file, { flags: start === 0 ? 'w' : 'a', mode: 0o600 }), { signal })
    if (rest !== undefined && (await sizeOf(fetch.file)) !== start + rest) throw new Error('the connection ended too early')
  } finally {
    response.destroy()
  }
}

function refusal(url: string, statusCode: number): Error {
  const words = `the server of the image ${url} answered ${statusCode}`
  if (statusCode === 404 || statusCode === 410) return new BackendError('ImageNotFound', `${words}: there is no such file`, true)
  if (statusCode >= 400 && statusCode < 500 && statusCode !== 408 && statusCode !== 429)
    return new BackendError('ImagePullFailed', words, true)
  return new Error(words)
}

/** Follows redirects to other https addresses. */
async function request({ url, ca }: ImageFetch, from: number, signal: AbortSignal): Promise<IncomingMessage> {
  let address = new URL(url)
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await get(address, from, ca, signal)
    const { location } = response.headers
    if (!response.statusCode || response.statusCode < 300 || response.statusCode >= 400 || location === undefined) return response
    response.destroy()
    address = new URL(location, address)
    if (address.protocol !== 'https:')
      throw new BackendError('ImagePullFailed', `the image ${url} leads to ${address.protocol}//, and only https:// is followed`, false)
  }
  throw new BackendError('ImagePullFailed', `the image ${url} leads through more than ${mostRedirects} other addresses`, false)
}

function get(address: URL, from: number, ca: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': 'millrace-nodeagent', 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) }
    const asked = https.get(address, { signal, headers, timeout: silenceMs, agent: false, ...(ca === undefined ? {} : { ca }) }, resolve)
    asked.on('timeout', () => asked.destroy(new Error(`the server said nothing for ${silenceMs / 1000} s`)))
    asked.on('error', reject)
  })
}

function tellProgress(response: IncomingMessage, { onProgress }: ImageFetch, start: number, rest: number | undefined): void {
  let received = start
  let toldAt = -Number.POSITIVE_INFINITY
  response.on('data', (chunk: Buffer) => {
    received += chunk.length
    const now = performance.now()
    if (now - toldAt < progressMs) return
    toldAt = now
    onProgress(`fetched ${printBytes(received)}${rest === undefined ? '' : ` of ${printBytes(start + rest)}`}`)
  })
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0
}
