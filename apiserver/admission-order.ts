import { forbidden } from '../lib/api/api-error.js'
import type { Kind } from '../lib/api/define-kind.js'
import { admitAddressClaims } from './admission/address-claims.js'
import { admitAddressShare } from './admission/address-share.js'
import type { Admit } from './admission/admit.js'
import { admitEventCount } from './admission/event-count.js'
import { admitHostPorts } from './admission/host-port.js'
import { admitMemoryPromise } from './admission/memory-promise.js'
import { createNamespaceSecurity } from './admission/namespace-security.js'
import { admitRestoreSource } from './admission/restore-source.js'
import { admitTunnelPort } from './admission/tunnel-port.js'
import type { Access } from './auth/access.js'
import { gatewayRestriction } from './auth/gateway/gateway-restriction.js'
import { nodeRestriction } from './auth/node/node-restriction.js'
import { createRightsAdmission } from './auth/rbac/admit-rights.js'
import type { StrategySettings } from './registry/strategies/index.js'
import { defaultTunnelPorts } from './registry/strategies/tunnel.js'
import type { Store } from './storage/store.js'

/**
 * Who is asked about every write, in this order: what a namespace admits, which ports of a node it gives, what a node or a
 * gateway may touch, which rights one may give, what a node's memory holds, who has an address, what a disk is put back
 * from, which port a Tunnel has, how many Events there may be.
 */
export function admissionOf(
  store: Store,
  kinds: readonly Kind[],
  access: Access,
  { tunnelPorts = defaultTunnelPorts }: StrategySettings = {},
): readonly Admit[] {
  return [
    createNamespaceSecurity(),
    admitHostPorts(tunnelPorts),
    restrictNodes,
    restrictGateways,
    createRightsAdmission(access),
    admitMemoryPromise(store, kinds),
    admitAddressClaims,
    admitAddressShare,
    admitRestoreSource,
    admitTunnelPort(tunnelPorts),
    admitEventCount(store),
  ]
}

const restrictNodes: Admit = ({ user, kind, subresource, old, object, view, name }) => {
  const causes = nodeRestriction({ user, kind, subresource, old, next: object, view })
  if (causes.length > 0)
    throw forbidden(
      { group: kind.group, resource: kind.plural, name },
      `a node may not do this: ${causes.map((cause) => `${cause.field}: ${cause.message}`).join('; ')}`,
      causes,
    )
}

const restrictGateways: Admit = ({ user, kind, old, object, name }) => {
  const causes = gatewayRestriction({ user, kind, old, next: object })
  if (causes.length > 0)
    throw forbidden(
      { group: kind.group, resource: kind.plural, name },
      `a gateway may not do this: ${causes.map((cause) => `${cause.field}: ${cause.message}`).join('; ')}`,
      causes,
    )
}
