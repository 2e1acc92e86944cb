import { invalid, invalidValue } from '../../lib/api/api-error.js'
import { securityLabel } from '../../lib/api/kinds/namespace.js'
import { Tunnel, type TunnelSpec } from '../../lib/api/kinds/tunnel.js'
import type { TunnelPorts } from '../registry/strategies/tunnel.js'
import type { Admit } from './admit.js'
import { levelOf } from './namespace-level.js'

/**
 * A Tunnel's port is one of the gateway's machine, which it shares with everybody: it lies in the range for
 * Tunnels. A namespace labelled `privileged` may have any port but the reserved ones, which are the control
 * plane's own. Judged when the port is chosen: who has one keeps it.
 */
export function admitTunnelPort(ports: TunnelPorts): Admit {
  return ({ kind, subresource, namespace, name, object, old, view }) => {
    if (kind.plural !== Tunnel.plural || kind.group !== Tunnel.group || subresource !== '' || !object) return
    const { port } = (object.spec as TunnelSpec).listen
    if (port === (old?.spec as TunnelSpec | undefined)?.listen.port) return
    const cause = ports.reserved.includes(port)
      ? 'is reserved for the control plane'
      : (port < ports.from || port > ports.to) && levelOf(namespace, view) !== 'privileged'
        ? `must be from ${ports.from} to ${ports.to}, or 0 for one of these; the label ${securityLabel}=privileged on the namespace would admit others`
        : undefined
    if (cause !== undefined)
      throw invalid({ group: Tunnel.group, resource: Tunnel.plural, kind: Tunnel.kind, name }, [
        invalidValue('spec.listen.port', port, cause),
      ])
  }
}
