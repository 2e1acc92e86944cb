import { invalidValue, type StatusCause } from '../../../lib/api/api-error.js'
import type { Condition } from '../../../lib/api/condition.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { timestamp } from '../../../lib/base/clock.js'
import type { Strategy } from './strategy.js'

interface RequestStatus {
  certificate?: string
  conditions?: Condition[]
}

const decisions = new Set(['Approved', 'Denied'])

/**
 * The server says who asks. The request never changes; Approved and Denied are set through `approval` and stay, the rest through `status`.
 */
export const certificateSigningRequestStrategy: Strategy = {
  prepareCreate(object, { user }) {
    const { username: _username, groups: _groups, uid: _uid, ...asked } = object.spec as Record<string, unknown>
    object.spec = { ...asked, username: user.name, groups: [...user.groups], ...(user.uid ? { uid: user.uid } : {}) }
  },

  prepareUpdate(object, old, { subresource, nowMs }) {
    object.spec = old.spec
    const { conditions = [], ...status } = statusOf(object)
    const isMine = (condition: Condition) => (subresource === 'approval') === decisions.has(condition.type)
    const kept = (statusOf(old).conditions ?? []).filter((condition) => !isMine(condition))
    const set = conditions.filter(isMine).map((condition) => ({ lastTransitionTime: timestamp(nowMs), ...condition }))
    if (subresource === '' || object.status === undefined) return
    object.status = kept.length + set.length === 0 ? status : { ...status, conditions: [...kept, ...set] }
  },

  validateUpdate(object, old) {
    const types = new Set((statusOf(object).conditions ?? []).map((condition) => condition.type))
    const causes: StatusCause[] = []
    if (types.has('Approved') && types.has('Denied'))
      causes.push(invalidValue('status.conditions', 'Denied', 'Approved and Denied conditions are mutually exclusive'))
    for (const { type } of statusOf(old).conditions ?? [])
      if (decisions.has(type) && !types.has(type)) causes.push(invalidValue('status.conditions', type, 'this condition may not be removed'))
    return causes
  },
}

const statusOf = (object: KubeObject): RequestStatus => (object.status as RequestStatus | undefined) ?? {}
