import { isIP } from 'node:net'
import {
  Command,
  IPv4Address,
  IPv4ProxyAddress,
  IPv6Address,
  IPv6ProxyAddress,
  TransportProtocol,
  V2ProxyProtocol,
} from 'proxy-protocol-js'

/** One end of a connection. */
export interface ConnectionEnd {
  readonly address: string
  readonly port: number
}

/** The header of the PROXY protocol, version 2, that a connection by TCP begins with: who connected to what. Both ends have one family. */
export function proxyHeader(client: ConnectionEnd, server: ConnectionEnd): Buffer {
  const [from, to] = [addressBytes(client.address), addressBytes(server.address)]
  const address =
    from.length === 4 && to.length === 4
      ? new IPv4ProxyAddress(IPv4Address.createFrom(from), client.port, IPv4Address.createFrom(to), server.port)
      : new IPv6ProxyAddress(IPv6Address.createFrom(widen(from)), client.port, IPv6Address.createFrom(widen(to)), server.port)
  return Buffer.from(new V2ProxyProtocol(Command.PROXY, TransportProtocol.STREAM, address).build())
}

/** 4 or 16 bytes. What comes to a socket of both families over IPv4 is IPv4. Throws for what is no address. */
function addressBytes(text: string): number[] {
  const address = text.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '')
  if (isIP(address) === 4) return address.split('.').map(Number)
  if (isIP(address) !== 6) throw new Error(`${JSON.stringify(text)} is no address`)
  // The one parser of every form of an IPv6 address that Node has.
  const { hostname } = new URL(`http://[${address}]`)
  const [head = '', tail] = hostname.slice(1, -1).split('::')
  const words = (part: string) => part.split(':').filter(Boolean)
  const [first, last] = [words(head), words(tail ?? '')]
  const zeros = Array<string>(8 - first.length - last.length).fill('0')
  return [...first, ...zeros, ...last].flatMap((word) => {
    const value = Number.parseInt(word, 16)
    return [value >> 8, value & 255]
  })
}

const widen = (bytes: number[]) => (bytes.length === 16 ? bytes : [...Array<number>(10).fill(0), 255, 255, ...bytes])
