/**
 * The kinds that Millrace is born with. Adding one: declare it in a file of its own, add it to this list, run the tests.
 */
import type { Kind } from '../define-kind.js'
import { LocalSubjectAccessReview, SelfSubjectAccessReview, SubjectAccessReview } from './access-review.js'
import { CertificateSigningRequest } from './certificate-signing-request.js'
import { ClusterRole } from './cluster-role.js'
import { ClusterRoleBinding } from './cluster-role-binding.js'
import { ConfigMap } from './config-map.js'
import { CronTask } from './cron-task.js'
import { CustomResourceDefinition } from './custom-resource-definition.js'
import { Deployment } from './deployment.js'
import { Event } from './event.js'
import { SelfSubjectReview, TokenReview } from './identity-review.js'
import { IPClaim } from './ip-claim.js'
import { Lease } from './lease.js'
import { Namespace } from './namespace.js'
import { Node } from './node.js'
import { NodeMetrics } from './node-metrics.js'
import { Pod } from './pod.js'
import { PodDisruptionBudget } from './pod-disruption-budget.js'
import { PodMetrics } from './pod-metrics.js'
import { ReplicaSet } from './replica-set.js'
import { Role } from './role.js'
import { RoleBinding } from './role-binding.js'
import { SelfSubjectRulesReview } from './rules-review.js'
import { Secret } from './secret.js'
import { Service } from './service.js'
import { ServiceAccount } from './service-account.js'
import { Task } from './task.js'
import { Tunnel } from './tunnel.js'
import { Vps } from './vps.js'
import { VpsSnapshot } from './vps-snapshot.js'

export const builtinKinds: readonly Kind[] = [
  Task,
  CronTask,
  Vps,
  VpsSnapshot,
  Tunnel,
  IPClaim,
  Pod,
  Deployment,
  ReplicaSet,
  Node,
  Namespace,
  Event,
  Secret,
  ConfigMap,
  Lease,
  CertificateSigningRequest,
  ServiceAccount,
  Service,
  Role,
  ClusterRole,
  RoleBinding,
  ClusterRoleBinding,
  CustomResourceDefinition,
  PodDisruptionBudget,
  SelfSubjectReview,
  TokenReview,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  LocalSubjectAccessReview,
  SelfSubjectRulesReview,
  // Last, so that whoever asks for nodes or pods without a group gets the objects.
  NodeMetrics,
  PodMetrics,
] as unknown as readonly Kind[]
