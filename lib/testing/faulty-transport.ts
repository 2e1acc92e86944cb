/**
 * The way from controllers to the server, on which a test makes things go wrong: requests fail, answers get lost, watches break or lag
 * behind, everything ends at once. Without an order from the test it passes everything on.
 */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { Readable, Transform } from 'node:stream'
import { ApiError } from '../api/api-error.js'
import { ConnectionError } from '../client/client.js'
import type { Transport, TransportRequest } from '../client/transport.js'
import { describeRequest, requestFacts } from './failure.js'
import type { Mishaps } from './mishaps.js'

export interface FaultyTransport extends Transport {
  /** Requests without their whole answer, watches aside. */
  readonly inFlight: number
  /** How the server has answered watches since the last one that it opened. */
  readonly refusedWatches: readonly string[]
  /** Ends every watch, as a broken connection does. */
  breakWatches(): void
  /** Breaks everything off, and passes nothing on any more: how a killed process looks from outside. */
  cutOff(): void
}

/** `crash` is called when a request is met at which the controllers shall die. */
export function createFaultyTransport(inner: Transport, mishaps: Mishaps, crash: () => void): FaultyTransport {
  const watches = new Set<Readable>()
  const refusedWatches: string[] = []
  let inFlight = 0
  let dead = false

  const openWatch = async (request: TransportRequest): Promise<IncomingMessage> => {
    const response = await inner.send(request)
    if (response.statusCode === 200) refusedWatches.length = 0
    else refusedWatches.push(`${request.path.split('&')[0]} is answered with ${response.statusCode}`)
    const gate = new Transform({
      transform(chunk, _encoding, done) {
        const { flowing } = mishaps
        if (flowing) void flowing.then(() => done(null, chunk))
        else done(null, chunk)
      },
    })
    watches.add(gate)
    gate.once('close', () => {
      watches.delete(gate)
      response.destroy()
    })
    response.once('error', (error) => gate.destroy(error))
    response.once('close', () => gate.end())
    return asResponse(response.pipe(gate), response)
  }

  const passOn = async (request: TransportRequest): Promise<IncomingMessage> => {
    const response = await inner.send(request)
    inFlight++
    response.once('close', () => inFlight--)
    return response
  }

  /** The request is carried out, and nobody hears of it. */
  const loseAnswer = async (request: TransportRequest): Promise<void> => {
    const response = await passOn(request)
    response.resume()
    await once(response, 'close')
  }

  const transport: FaultyTransport = {
    ...inner,
    refusedWatches,
    get inFlight() {
      return inFlight
    },
    async send(request) {
      if (dead) throw new ConnectionError('the controllers were killed')
      if (request.stream) return await openWatch(request)
      const form = mishaps.next(request)
      inFlight++
      try {
        if (form === undefined) return await passOn(request)
        if (form === 'connection lost after' || form === 'crash after') await loseAnswer(request)
        if (form === 'crash before' || form === 'crash after') crash()
        if (form.startsWith('crash')) throw new ConnectionError('the controllers were killed')
        if (form.startsWith('connection lost')) throw lost(request)
        return refusal(form as Exclude<typeof form, `crash ${string}` | `connection ${string}`>, request)
      } finally {
        inFlight--
      }
    },
    breakWatches() {
      for (const watch of watches) watch.destroy(reset())
    },
    cutOff() {
      dead = true
      transport.breakWatches()
      inner.close()
    },
  }
  return transport
}

/** A Conflict says what Conflicts say; other refusals say that a test wanted them. */
function refusal(reason: ConstructorParameters<typeof ApiError>[0], request: TransportRequest): IncomingMessage {
  const failure = new ApiError(reason, `the test lets ${describeRequest(requestFacts(request))} fail with ${reason}`)
  const body = Readable.from([Buffer.from(JSON.stringify(failure.toStatus()))])
  return asResponse(body, { statusCode: failure.code, headers: { 'content-type': 'application/json' } })
}

function asResponse(body: Readable, head: Pick<IncomingMessage, 'statusCode' | 'headers'>): IncomingMessage {
  return Object.assign(body, { statusCode: head.statusCode, headers: head.headers }) as IncomingMessage
}

function lost(request: TransportRequest): ConnectionError {
  return new ConnectionError(`the test loses the connection of ${describeRequest(requestFacts(request))}`, { cause: reset() })
}

/** As Node says it. */
function reset(): Error {
  return Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
}
