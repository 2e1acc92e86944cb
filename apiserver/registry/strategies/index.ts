import type { Kind } from '../../../lib/api/define-kind.js'
import { IPClaim } from '../../../lib/api/kinds/ip-claim.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Tunnel } from '../../../lib/api/kinds/tunnel.js'
import { certificateSigningRequestStrategy } from './certificate-signing-request.js'
import { customResourceDefinitionStrategy } from './custom-resource-definition.js'
import { deploymentStrategy } from './deployment.js'
import { eventStrategy } from './event.js'
import { ipClaimStrategy } from './ip-claim.js'
import { namespaceStrategy } from './namespace.js'
import { nodeStrategy } from './node.js'
import { bindingStrategy, clusterRoleStrategy } from './rbac.js'
import { secretStrategy } from './secret.js'
import type { Strategy } from './strategy.js'
import { defaultTunnelPorts, type TunnelPorts, tunnelStrategy } from './tunnel.js'
import { vpsSnapshotStrategy } from './vps-snapshot.js'
import { vpsStrategy, workloadStrategy } from './workload.js'

const byResource: Readonly<Record<string, Strategy>> = {
  '/namespaces': namespaceStrategy,
  '/secrets': secretStrategy,
  '/events': eventStrategy,
  'millrace.dev/vpses': vpsStrategy,
  'apps/deployments': deploymentStrategy,
  'millrace.dev/vpssnapshots': vpsSnapshotStrategy,
  'certificates.k8s.io/certificatesigningrequests': certificateSigningRequestStrategy,
  'rbac.authorization.k8s.io/clusterroles': clusterRoleStrategy,
  'rbac.authorization.k8s.io/clusterrolebindings': bindingStrategy,
  'rbac.authorization.k8s.io/rolebindings': bindingStrategy,
  'apiextensions.k8s.io/customresourcedefinitions': customResourceDefinitionStrategy,
}

/** What whoever runs the cluster chooses. */
export interface StrategySettings {
  /** Which ports Tunnels have. */
  readonly tunnelPorts?: TunnelPorts
}

/** The strategy of a kind: its own, the workloads', or none. */
export function strategyOf(kind: Kind, { tunnelPorts = defaultTunnelPorts }: StrategySettings = {}): Strategy {
  if (kind.group === Tunnel.group && kind.plural === Tunnel.plural) return tunnelStrategy(tunnelPorts)
  if (kind.group === IPClaim.group && kind.plural === IPClaim.plural) return ipClaimStrategy()
  if (kind.group === Node.group && kind.plural === Node.plural) return nodeStrategy()
  return byResource[`${kind.group}/${kind.plural}`] ?? (kind.workload ? workloadStrategy : {})
}
