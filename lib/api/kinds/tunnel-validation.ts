import { forbiddenField, invalidValue, notSupported, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { parseListenAddress } from '../listen-address.js'
import type { TunnelSpec } from './tunnel.js'

/** Rules across the fields of a Tunnel; see define-kind.ts. */
export function validateTunnel(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const { listen, protocol, proxyProtocol } = object.spec as TunnelSpec
  const causes: StatusCause[] = []
  if (parseListenAddress(listen.address) === undefined)
    causes.push(invalidValue('spec.listen.address', listen.address, 'must be an IPv4 or IPv6 address of the gateway, or 0.0.0.0 for all'))
  if (protocol === 'udp' && proxyProtocol !== 'off')
    causes.push(notSupported('spec.proxyProtocol', proxyProtocol, 'a datagram has no connection that it could speak of; use tcp, or off'))
  if (old && (old.spec as TunnelSpec).protocol !== protocol)
    causes.push(forbiddenField('spec.protocol', 'may not be changed; a new Tunnel may have another'))
  return causes
}
