/**
 * Fetches a file by HTTPS to where it was asked for. What came stays when the connection breaks, and the next request asks for the rest, in
 * this call or, after a kill, in the next one; the caller compares the whole.
 *
 * One rule: whoever asks is a stranger to the node. Addresses that only the node reaches are not asked for him, directly or by a redirect,
 * and no more comes than was allowed and there is room for.
 */
import { createWriteStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { type AddressPrefix, isPublicAddress } from '../../../../lib/api/public-address.js'
import { printBytes } from '../../../../lib/api/quantity.js'
import { backoffDelayMs } from '../../../../lib/base/backoff.js'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { diskIsFull, isFull } from '../../../files/full-disk.js'
import { BackendError } from '../../backend.js'
import { judgedLookup } from './judged-lookup.js'

/** What strangers may have fetched. */
export interface ImageRules {
  /** Addresses that are not public, and are asked nevertheless. */
  readonly networks: readonly AddressPrefix[]
  /** The largest file. */
  readonly mostBytes: number
}

export interface ImageFetch {
  readonly rules: ImageRules
  readonly url: string
  readonly file: string
  /** Certificates that are trusted, as PEM; absent: those of the machine. */
  readonly ca?: string | undefined
  readonly onProgress: (text: string) => void
  /** Rejects with BackendError when there is no room for so many bytes more. */
  readonly requireRoom: (bytes: number) => Promise<void>
}

/** Failures without a byte in between, before it gives up: the next call goes on. */
const triesWithoutProgress = 5
const silenceMs = 30_000
const mostRedirects = 5
const progressMs = 2000

/** Without a length, room is looked for each time that so much has come. */
const roomStepBytes = 32 * 1024 * 1024

/** Rejects with BackendError. What was refused leaves nothing; what broke off stays, for the next call. */
export async function fetchImage(fetch: ImageFetch, signal: AbortSignal): Promise<void> {
  for (let failures = 0; ; ) {
    const before = await sizeOf(fetch.file)
    try {
      return await fetchRest(fetch, before, signal)
    } catch (error) {
      signal.throwIfAborted()
      const refused =
        isFull(error) && !(error instanceof BackendError)
          ? new BackendError('CreateFailed', `the image ${fetch.url} does not fit: ${diskIsFull}`, true)
          : error
      if (refused instanceof BackendError) {
        await rm(fetch.file, { force: true })
        throw refused
      }
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
    if (start + (rest ?? 0) > fetch.rules.mostBytes) throw tooLarge(fetch)
    await fetch.requireRoom(rest ?? 0)
    tellProgress(response, fetch, start, rest)
    const target = createWriteStream(fetch.file, { flags: start === 0 ? 'w' : 'a', mode: 0o600 })
    await pipeline(response, (source: AsyncIterable<Buffer>) => bounded(source, fetch, start), target, { signal })
    if (rest !== undefined && (await sizeOf(fetch.file)) !== start + rest) throw new Error('the connection ended too early')
  } finally {
    response.destroy()
  }
}

/** The same bytes, as long as they may be so many and there is room. A length that was told is not relied upon. */
async function* bounded(source: AsyncIterable<Buffer>, fetch: ImageFetch, start: number): AsyncGenerator<Buffer> {
  let received = start
  let lookAgainAt = start + roomStepBytes
  for await (const chunk of source) {
    received += chunk.length
    if (received > fetch.rules.mostBytes) throw tooLarge(fetch)
    if (received >= lookAgainAt) {
      await fetch.requireRoom(0)
      lookAgainAt = received + roomStepBytes
    }
    yield chunk
  }
}

function tooLarge({ url, rules }: ImageFetch): BackendError {
  const words = `the image ${url} is larger than ${printBytes(rules.mostBytes)}, and the agent of the node fetches no larger one`
  return new BackendError('ImagePullFailed', `${words} (--max-image-size)`, false)
}

function refusal(url: string, statusCode: number): Error {
  const words = `the server of the image ${url} answered ${statusCode}`
  if (statusCode === 404 || statusCode === 410) return new BackendError('ImageNotFound', `${words}: there is no such file`, true)
  if (statusCode >= 400 && statusCode < 500 && statusCode !== 408 && statusCode !== 429)
    return new BackendError('ImagePullFailed', words, true)
  return new Error(words)
}

/** Follows redirects to other https addresses, each judged as the first. */
async function request(fetch: ImageFetch, from: number, signal: AbortSignal): Promise<IncomingMessage> {
  const { url } = fetch
  let address = new URL(url)
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await get(address, from, fetch, signal)
    const { location } = response.headers
    if (!response.statusCode || response.statusCode < 300 || response.statusCode >= 400 || location === undefined) return response
    response.destroy()
    address = new URL(location, address)
    if (address.protocol !== 'https:')
      throw new BackendError('ImagePullFailed', `the image ${url} leads to ${address.protocol}//, and only https:// is followed`, false)
  }
  throw new BackendError('ImagePullFailed', `the image ${url} leads through more than ${mostRedirects} other addresses`, false)
}

function get(address: URL, from: number, { url, ca, rules }: ImageFetch, signal: AbortSignal): Promise<IncomingMessage> {
  const may = (found: string) => isPublicAddress(found) || rules.networks.some((network) => network.has(found))
  const notPublic = () => {
    const words = `the image ${url} is not on the internet: it leads to an address of the node itself, or of a network that is not public`
    return new BackendError('ImagePullFailed', `${words}; the agent fetches from there only where its --image-networks names it`, false)
  }
  return new Promise((resolve, reject) => {
    // Whoever names an address has no name looked up.
    const host = address.hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0 && !may(host)) throw notPublic()
    const lookup = judgedLookup(may, notPublic)
    const headers = { 'user-agent': 'millrace-nodeagent', 'accept-encoding': 'identity', ...(from > 0 ? { range: `bytes=${from}-` } : {}) }
    const asked = https.get(
      address,
      { signal, headers, lookup, timeout: silenceMs, agent: false, ...(ca === undefined ? {} : { ca }) },
      resolve,
    )
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
