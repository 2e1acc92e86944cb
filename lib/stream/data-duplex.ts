import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { RelayDuplex } from './relay-duplex.js'
import { StreamError } from './stream-error.js'

/**
 * The bytes of a stream that travel over a connection of their own, while the stream itself (`witness`) carries
 * nothing but its life: Node's TLS does not tell an end from a cut, and the witness does. Each half is whole when both
 * of its ends have come; whatever breaks one breaks the other.
 */
export function dataDuplex(socket: Socket, witness: Duplex): Duplex {
  const whyIncomplete = new Promise<Error | undefined>((resolve) => {
    witness.once('end', () => resolve(undefined))
    witness.once('close', () => resolve(endedEarly()))
  })
  const isDone = () => witness.readableEnded && witness.writableFinished
  const duplex = new RelayDuplex(socket, {
    whyIncomplete: () => whyIncomplete,
    afterEnd: (done) => witness.end(done),
    release() {
      socket.destroy()
      if (!isDone()) witness.destroy()
    },
  })
  const fail = () => void duplex.destroy(endedEarly())
  witness.once('close', () => isDone() || fail())
  socket.once('close', () => witness.writableEnded || fail())
  if (witness.destroyed) fail()
  witness.resume()
  return duplex
}

const endedEarly = () => new StreamError('the other side ended the stream early')
