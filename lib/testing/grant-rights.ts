import { authenticatedGroup, serviceAccountsGroup } from '../../apiserver/auth/user.js'
import { isAlreadyExists } from '../api/api-error.js'
import { ClusterRole, type ClusterRoleManifest } from '../api/kinds/cluster-role.js'
import { ClusterRoleBinding } from '../api/kinds/cluster-role-binding.js'
import { Namespace } from '../api/kinds/namespace.js'
import { Role, type RoleManifest } from '../api/kinds/role.js'
import { RoleBinding } from '../api/kinds/role-binding.js'
import type { Client } from '../client/client.js'
import type { Controller } from '../controller/controller.js'
import { rightsOf } from '../controller/rights-of.js'

/** As whom controllers act in a test. */
const account = { namespace: 'default', name: 'controllers' }
export const controllersUser = `system:serviceaccount:${account.namespace}:${account.name}`
export const controllersGroups = [serviceAccountsGroup, `${serviceAccountsGroup}:${account.namespace}`, authenticatedGroup]

/** Gives the user of the controllers the rights that these declare, and no others. */
export async function grantRights(client: Client, controllers: readonly Controller[]): Promise<void> {
  const [first, ...more] = controllers
  if (!first) return
  await Promise.all(rightsOf([first, ...more], account).map((role) => grant(client, role)))
}

async function grant(client: Client, role: RoleManifest | ClusterRoleManifest): Promise<void> {
  const { metadata, rules = [] } = role
  const { name = account.name, namespace } = metadata
  const subjects = [{ kind: 'ServiceAccount' as const, ...account }]
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io' as const, name }
  if (namespace === undefined) {
    await client.of(ClusterRole).create({ metadata, rules })
    await client.of(ClusterRoleBinding).create({ metadata, roleRef: { ...roleRef, kind: 'ClusterRole' }, subjects })
    return
  }
  // A controller that is bound to a namespace is deployed where there is one.
  if (namespace !== account.namespace)
    await client
      .of(Namespace)
      .create({ metadata: { name: namespace } })
      .catch(unlessThere)
  await client.of(Role).create({ metadata, rules })
  await client.of(RoleBinding).create({ metadata, roleRef: { ...roleRef, kind: 'Role' }, subjects })
}

function unlessThere(error: unknown): void {
  if (!isAlreadyExists(error)) throw error
}
