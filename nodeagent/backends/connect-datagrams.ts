import { createSocket, type Socket } from 'node:dgram'
import type { Duplex } from 'node:stream'
import { DatagramDuplex } from '../../lib/stream/datagrams.js'
import { NotListening } from './connect-to.js'

/**
 * Datagrams to and from a UDP port, framed, by way of a socket of this process's network or of the one that is given. That nobody answers
 * is no failure: datagrams get lost. Rejects with NotListening.
 */
export function connectDatagrams(host: string, port: number, signal: AbortSignal, given?: Socket): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = given ?? createSocket(host.includes(':') ? 'udp6' : 'udp4')
    const fail = (error: Error) => {
      socket.close()
      reject(new NotListening(`udp port ${port} cannot be reached: ${error.message}`, { cause: error }))
    }
    if (signal.aborted) return fail(signal.reason)
    socket.once('error', fail)
    socket.connect(port, host, () => {
      // An earlier datagram was refused: it is lost, and whoever listens later gets the next.
      socket.off('error', fail).on('error', () => {})
      const duplex = new DatagramDuplex({
        send: (datagram, done) => socket.send(datagram, done),
        close: () => socket.close(),
      })
      socket.on('message', (datagram) => duplex.receive(datagram))
      resolve(duplex)
    })
  })
}
