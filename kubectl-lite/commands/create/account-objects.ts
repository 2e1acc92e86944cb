import { ClusterRole } from '../../../lib/api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../../../lib/api/kinds/cluster-role-binding.js'
import { Role, rbacGroup } from '../../../lib/api/kinds/role.js'
import { RoleBinding } from '../../../lib/api/kinds/role-binding.js'
import { ExitError } from '../../cli/exit-code.js'
import type { Manifest } from '../../manifests/decode-manifests.js'
import type { KnownObject } from './apply-known.js'

/** A ServiceAccount. */
export interface AccountName {
  readonly namespace: string
  readonly name: string
}

/** On all that was made for a ServiceAccount, with its uid. */
export const accountLabel = 'millrace.dev/serviceaccount-uid'

/** The kinds of what is made for a ServiceAccount; the bindings come first, as they go first. */
export const accountKinds = [RoleBinding, ClusterRoleBinding, Role, ClusterRole] as const

/** Each role that a program printed, and beside it the binding that gives it to the account. `source` is for messages. */
export function accountObjects(
  { namespace, name }: AccountName,
  roles: readonly Manifest[],
  uid: string | undefined,
  source: string,
): KnownObject[] {
  const subjects = [{ kind: 'ServiceAccount', namespace, name }]
  return roles.flatMap((given): KnownObject[] => {
    const [kind, bindingKind] = given.kind === Role.kind ? [Role, RoleBinding] : [ClusterRole, ClusterRoleBinding]
    if (given.kind !== kind.kind || given.apiVersion !== kind.apiVersion)
      throw new ExitError('invalid', `${source} --print-rights printed a ${given.kind}: does it end in run(…)?`)
    const labels = { ...(given.metadata.labels as object | undefined), ...(uid === undefined ? {} : { [accountLabel]: uid }) }
    const metadata = { ...given.metadata, ...(Object.keys(labels).length > 0 ? { labels } : {}) }
    const roleRef = { apiGroup: rbacGroup, kind: kind.kind, name: metadata.name }
    return [
      { kind, manifest: { ...given, metadata } },
      { kind: bindingKind, manifest: { apiVersion: bindingKind.apiVersion, kind: bindingKind.kind, metadata, roleRef, subjects } },
    ]
  })
}
