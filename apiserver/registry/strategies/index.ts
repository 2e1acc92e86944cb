import type { Kind } from '../../../lib/api/define-kind.js'
import { certificateSigningRequestStrategy } from './certificate-signing-request.js'
import { customResourceDefinitionStrategy } from './custom-resource-definition.js'
import { deploymentStrategy } from './deployment.js'
import { eventStrategy } from './event.js'
import { namespaceStrategy } from './namespace.js'
import { bindingStrategy, clusterRoleStrategy } from './rbac.js'
import { secretStrategy } from './secret.js'
import type { Strategy } from './strategy.js'
import { workloadStrategy } from './workload.js'

const byResource: Readonly<Record<string, Strategy>> = {
  '/namespaces': namespaceStrategy,
  '/secrets': secretStrategy,
  '/events': eventStrategy,
  'apps/deployments': deploymentStrategy,
  'certificates.k8s.io/certificatesigningrequests': certificateSigningRequestStrategy,
  'rbac.authorization.k8s.io/clusterroles': clusterRoleStrategy,
  'rbac.authorization.k8s.io/clusterrolebindings': bindingStrategy,
  'rbac.authorization.k8s.io/rolebindings': bindingStrategy,
  'apiextensions.k8s.io/customresourcedefinitions': customResourceDefinitionStrategy,
}

/** The strategy of a kind: its own, the workloads', or none. */
export function strategyOf(kind: Kind): Strategy {
  return byResource[`${kind.group}/${kind.plural}`] ?? (kind.workload ? workloadStrategy : {})
}
