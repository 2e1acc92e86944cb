/**
 * Who may write roles and bindings: nobody gives away rights that they lack. A role with more than its writer has needs the verb `escalate`
 * on it, a binding to such a role the verb `bind`. What is built in is the same in every cluster, and nobody changes it.
 */
import { forbidden, notFound } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import { Role, rbacGroup } from '../../../lib/api/kinds/role.js'
import type { AdmissionReview, Admit } from '../../admission/admit.js'
import type { Authorizer } from '../authorizer.js'
import { mastersGroup, serverUser } from '../user.js'
import { isBuiltinPolicy } from './builtin-policy.js'
import type { PolicyBinding, PolicyRole, PolicyRule } from './policy.js'
import type { RbacPolicy } from './rbac-policy.js'
import { coverage } from './rules-cover.js'
import { rulesOfUser } from './rules-of-user.js'

export interface RightsOptions {
  readonly policy: Pick<RbacPolicy, 'grantsOf' | 'rulesOf'>
  readonly authorizer: Authorizer
}

export function createRightsAdmission({ policy, authorizer }: RightsOptions): Admit {
  return (review) => {
    const { kind, object, user } = review
    if (kind.group !== rbacGroup || user === serverUser) return
    if (isBuiltinPolicy(kind.plural, review.namespace, review.name)) throw refusal(review, builtinSentence)
    if (!object || user.groups.includes(mastersGroup) || isHousekeeping(review)) return
    if (kind.plural === Role.plural || kind.plural === ClusterRole.plural) admitRole(review, object as unknown as PolicyRole)
    else admitBinding(review, object as unknown as PolicyBinding)
  }

  function admitRole(review: AdmissionReview, role: PolicyRole): void {
    if (may(review, 'escalate', review.kind.plural, review.name)) return
    assertHeld(review, role.aggregationRule ? everything : role.rules)
  }

  function admitBinding(review: AdmissionReview, { roleRef }: PolicyBinding): void {
    const resource = roleRef.kind === Role.kind ? Role.plural : ClusterRole.plural
    if (may(review, 'bind', resource, roleRef.name)) return
    const rules = policy.rulesOf(roleRef, review.namespace)
    if (rules === undefined) throw notFound({ group: rbacGroup, resource, name: roleRef.name })
    assertHeld(review, rules)
  }

  function may({ user, namespace }: AdmissionReview, verb: string, resource: string, name: string): boolean {
    const request = { user, verb, group: rbacGroup, resource, subresource: '', namespace, name, path: '' }
    return authorizer.authorize(request).allowed
  }

  function assertHeld(review: AdmissionReview, wanted: readonly PolicyRule[]): void {
    const { missing, tooMany } = coverage(rulesOfUser(policy, review.user, review.namespace), wanted)
    if (missing.length === 0 && !tooMany) return
    const who = `user ${JSON.stringify(review.user.name)} (groups=${JSON.stringify(review.user.groups)})`
    const which = tooMany
      ? 'more rights than can be compared with all that are held: write them as several roles'
      : missing.map(print).join('\n')
    throw refusal(review, `${who} is attempting to grant RBAC permissions not currently held:\n${which}`)
  }
}

const builtinSentence = 'it is built in, and the same in every cluster: make one of another name'

/** Whoever gathers rules by labels could gather any. */
const everything: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
]

/** Whether nothing but owners and finalizers differs: the garbage collector has no rights to give. */
function isHousekeeping({ object, old }: AdmissionReview): boolean {
  return object !== undefined && old !== undefined && sameValue(withoutHousekeeping(object), withoutHousekeeping(old))
}

function withoutHousekeeping(object: KubeObject): object {
  const {
    ownerReferences: _owners,
    finalizers: _finalizers,
    managedFields: _managers,
    resourceVersion: _revision,
    ...metadata
  } = object.metadata
  return { ...object, metadata }
}

function refusal({ kind, name }: AdmissionReview, why: string) {
  return forbidden({ group: kind.group, resource: kind.plural, name }, why)
}

/** As Kubernetes prints it: `{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}`. */
function print({ apiGroups, resources, resourceNames, nonResourceURLs, verbs }: PolicyRule): string {
  const parts = Object.entries({
    APIGroups: apiGroups,
    Resources: resources,
    ResourceNames: resourceNames,
    NonResourceURLs: nonResourceURLs,
    Verbs: verbs,
  })
  return `{${parts.flatMap(([name, values]) => (values?.length ? [`${name}:${JSON.stringify(values)}`] : [])).join(', ')}}`
}
