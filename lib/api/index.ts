/** `millrace/api`: what things are. The kinds, how to declare one, and the errors, selectors and quantities that go with them. */
export * from './api-error.js'
export { type Condition, findCondition, isConditionTrue, withCondition } from './condition.js'
export { DefinitionError, definitionOf } from './custom-kinds/definition-of.js'
export {
  type Column,
  type ConditionTypeOf,
  defineKind,
  type Kind,
  type KindOptions,
  type KubeObject,
  type Manifest,
  type Resource,
} from './define-kind.js'
export { type FieldRequirement, matchesFields, parseFieldSelector, printFieldSelector } from './field-selector.js'
export { compileJsonPath, type JsonPath } from './json-path.js'
export { CertificateSigningRequest, type CertificateSigningRequestManifest } from './kinds/certificate-signing-request.js'
export { ClusterRole, type ClusterRoleManifest } from './kinds/cluster-role.js'
export { ClusterRoleBinding, type ClusterRoleBindingManifest } from './kinds/cluster-role-binding.js'
export { ConfigMap, type ConfigMapManifest } from './kinds/config-map.js'
export { CronTask, type CronTaskManifest, type CronTaskSpec, type CronTaskStatus } from './kinds/cron-task.js'
export { Deployment, type DeploymentManifest } from './kinds/deployment.js'
export { Event, type EventManifest } from './kinds/event.js'
export { builtinKinds } from './kinds/index.js'
export { IPClaim, type IPClaimManifest } from './kinds/ip-claim.js'
export { Lease, type LeaseManifest } from './kinds/lease.js'
export { Namespace, type NamespaceManifest } from './kinds/namespace.js'
export { Node, type NodeManifest } from './kinds/node.js'
export { Pod } from './kinds/pod.js'
export { PodDisruptionBudget, type PodDisruptionBudgetManifest } from './kinds/pod-disruption-budget.js'
export { ReplicaSet, type ReplicaSetManifest } from './kinds/replica-set.js'
export { Role, type RoleManifest } from './kinds/role.js'
export { RoleBinding, type RoleBindingManifest } from './kinds/role-binding.js'
export { Secret, type SecretManifest } from './kinds/secret.js'
export { ServiceAccount, type ServiceAccountManifest } from './kinds/service-account.js'
export { Task, type TaskManifest, type TaskPhase, type TaskSpec, type TaskStatus } from './kinds/task.js'
export { Tunnel, type TunnelManifest, type TunnelSpec, type TunnelStatus } from './kinds/tunnel.js'
export { Vps, type VpsManifest, type VpsPhase, type VpsSpec, type VpsStatus } from './kinds/vps.js'
export { VpsSnapshot, type VpsSnapshotManifest } from './kinds/vps-snapshot.js'
export { type LabelSelector, matchesLabels, parseLabelSelector } from './label-selector.js'
export type { ObjectMeta, ObjectMetaInput, OwnerReference } from './object-meta.js'
export { cpuMillis, memoryBytes, parseQuantity } from './quantity.js'
export { type Input, type Output, t } from './schema/t.js'
