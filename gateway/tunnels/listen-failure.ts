import type { TunnelSpec } from '../../lib/api/kinds/tunnel.js'
import { isEveryAddress, parseListenAddress } from '../../lib/api/listen-address.js'

/** Why the gateway does not listen for a Tunnel. */
export interface ListenFailure {
  readonly reason: 'PortTaken' | 'AddressAbsent' | 'AddressOutside' | 'PortForbidden' | 'ListenFailed'
  readonly message: string
}

/** Whether a Tunnel asks for more than the gateway may listen on, which is for its operator to say. Pure. */
export function addressOutside(host: string, { address }: TunnelSpec['listen']): ListenFailure | undefined {
  const [own, asked] = [host, address].map((text) => parseListenAddress(text) ?? text) as [string, string]
  if (isEveryAddress(own) || isEveryAddress(asked) || own === asked) return undefined
  return {
    reason: 'AddressOutside',
    message: `the gateway listens on ${host} alone, and ${address} is outside of that: leave spec.listen.address out, or have the gateway started with --host ${address}, or 0.0.0.0 for all addresses`,
  }
}

/** What a failure to listen means, and what to do. Pure. */
export function listenFailureOf(error: unknown, { protocol, listen }: Pick<TunnelSpec, 'protocol' | 'listen'>): ListenFailure {
  const { code, message } = error as NodeJS.ErrnoException
  const place = `${protocol} port ${listen.port} of ${listen.address}`
  switch (code) {
    case 'EADDRINUSE':
      return {
        reason: 'PortTaken',
        message: `${place} is taken by another program on the gateway's machine; end it, or choose another spec.listen.port. It is tried again`,
      }
    case 'EADDRNOTAVAIL':
      return {
        reason: 'AddressAbsent',
        message: `${listen.address} is no address of the gateway's machine; choose another spec.listen.address`,
      }
    case 'EACCES':
      return {
        reason: 'PortForbidden',
        message: `${place} may not be used by the gateway's user; choose a spec.listen.port above 1023, or give the gateway the right`,
      }
    default:
      return { reason: 'ListenFailed', message: `${place} cannot be listened on: ${message}` }
  }
}
