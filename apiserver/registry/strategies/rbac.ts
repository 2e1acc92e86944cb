import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { Subject } from '../../../lib/api/kinds/binding-parts.js'
import { rbacGroup } from '../../../lib/api/kinds/role.js'
import type { Strategy } from './strategy.js'

/** The rules of a role that is gathered from others are the server's; see auth/rbac/keep-gathered.ts. */
export const clusterRoleStrategy: Strategy = {
  prepareCreate(object) {
    if (object.aggregationRule) object.rules = []
  },
  prepareUpdate(object, old) {
    if (object.aggregationRule) object.rules = old.aggregationRule ? old.rules : []
  },
}

/** Users and groups are of the group of roles, unless a subject says otherwise. */
export const bindingStrategy: Strategy = { prepareCreate: completeSubjects, prepareUpdate: completeSubjects }

function completeSubjects(object: KubeObject): void {
  for (const subject of (object.subjects ?? []) as Subject[]) if (subject.kind !== 'ServiceAccount') subject.apiGroup ||= rbacGroup
}
