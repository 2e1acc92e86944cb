import { once } from 'node:events'
import { constants, createGzip } from 'node:zlib'
import { acceptsGzip, jsonHeaders, sendJson } from './answer.js'
import type { Exchange } from './exchange.js'

export interface Pieces<T> {
  readonly opening: Buffer
  readonly closing: Buffer
  readonly items: readonly T[]
  /** One item as JSON; commas are put between. */
  readonly print: (item: T) => Buffer
  /** How long the client may take nothing. */
  readonly stallMs: number
}

/**
 * Sends a JSON document of many items. A small one goes at once; a large one in slices, each after a turn of the event loop and when the
 * client has taken the one before.
 */
export async function sendPieces<T>(exchange: Exchange, pieces: Pieces<T>): Promise<void> {
  const slices = slicesOf(pieces)
  const first = slices.next()
  if (first.done) return
  const second = slices.next()
  const { request, response } = exchange
  if (second.done) return sendJson(request, response, 200, first.value)
  await sendSlices(
    exchange,
    pieces.stallMs,
    (function* () {
      yield first.value
      yield second.value
      yield* slices
    })(),
  )
}

async function sendSlices(exchange: Exchange, stallMs: number, slices: Iterable<Buffer>): Promise<void> {
  const { request, response } = exchange
  // Whoever left while the items were read is told nothing: a response that is closed already neither drains nor closes.
  if (response.destroyed) return
  const zip = acceptsGzip(request) ? createGzip({ level: constants.Z_BEST_SPEED }) : undefined
  response.writeHead(200, { ...jsonHeaders, ...(zip ? { 'Content-Encoding': 'gzip', Vary: 'Accept-Encoding' } : {}) })
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  if (zip) {
    zip.pipe(response)
    zip.on('error', () => response.destroy())
  }
  const out = zip ?? response
  const stalled = setTimeout(() => response.destroy(), stallMs)
  try {
    for (const slice of slices) {
      if (!out.write(slice)) await once(out, 'drain', { signal: gone.signal })
      else await new Promise((resolve) => setImmediate(resolve))
      if (response.destroyed) return
      stalled.refresh()
    }
    out.end()
  } catch (error) {
    if (!gone.signal.aborted) throw error
  } finally {
    clearTimeout(stalled)
    if (response.destroyed) zip?.destroy()
  }
}

function* slicesOf<T>({ opening, closing, items, print }: Pieces<T>): Generator<Buffer> {
  let pieces: Buffer[] = [opening]
  let size = opening.length
  for (const [index, item] of items.entries()) {
    const bytes = print(item)
    if (index > 0) pieces.push(comma)
    pieces.push(bytes)
    size += bytes.length + 1
    if (size < sliceBytes) continue
    yield Buffer.concat(pieces)
    pieces = []
    size = 0
  }
  yield Buffer.concat([...pieces, closing])
}
const comma = Buffer.from(',')
const sliceBytes = 512 * 1024
