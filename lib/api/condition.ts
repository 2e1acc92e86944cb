import { timestamp } from '../base/clock.js'
import { type Output, t } from './schema/t.js'

export const ConditionSchema = t.object({
  type: t.string().describe('What the condition is about.'),
  status: t.oneOf('True', 'False', 'Unknown').describe('Whether it holds.'),
  observedGeneration: t.integer().describe('The generation of the object that was looked at.').optional(),
  lastHeartbeatTime: t.time().describe('When a node last reported the condition.').with({ nullable: true }).optional(),
  lastUpdateTime: t.time().describe('When a rollout last moved.').with({ nullable: true }).optional(),
  lastTransitionTime: t.time().describe('When the status last changed.').optional(),
  reason: t.string().describe('The cause of the last change, in CamelCase.').optional(),
  message: t.string().describe('The cause of the last change, in words.').optional(),
})

/** One observed fact about an object, as Kubernetes' metav1.Condition. */
export type Condition = Output<typeof ConditionSchema>

/** status.conditions of a kind: a list map by `type`. */
export const ConditionsSchema = t.listMap(['type'], ConditionSchema).describe('What was observed, by type.')

/**
 * The conditions with one set. lastTransitionTime moves only when the status changes; nothing changes when nothing differs (the same
 * array comes back). `nowMs` is wall-clock time.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: Pick<Condition, 'type' | 'status' | 'reason' | 'message' | 'observedGeneration'>,
  nowMs: number,
): Condition[] {
  const old = conditions ?? []
  const before = old.find((condition) => condition.type === next.type)
  const same =
    before !== undefined &&
    before.status === next.status &&
    before.reason === next.reason &&
    before.message === next.message &&
    before.observedGeneration === next.observedGeneration
  if (same) return old as Condition[]
  const lastTransitionTime = before?.status === next.status && before.lastTransitionTime ? before.lastTransitionTime : timestamp(nowMs)
  const merged: Condition = { ...next, lastTransitionTime }
  return before ? old.map((condition) => (condition.type === next.type ? merged : condition)) : [...old, merged]
}

/** For the compiler alone: objects of a declared kind carry the types of their conditions. */
declare const conditionTypes: unique symbol
export interface WithConditionTypes<ConditionType extends string> {
  readonly [conditionTypes]?: ConditionType
}

/** The types of conditions that an object's kind declares; any text where the kind is not known, or declares none. */
type ConditionTypeIn<Object> =
  Object extends WithConditionTypes<infer ConditionType> ? ([ConditionType] extends [never] ? string : ConditionType) : string

/** The condition of this type, if it was ever set. A type that the object's kind does not declare does not compile. */
export function findCondition<Object extends { status?: unknown }>(object: Object, type: ConditionTypeIn<Object>): Condition | undefined {
  const status = object.status as { conditions?: Condition[] } | undefined
  return status?.conditions?.find((condition) => condition.type === type)
}

/** Whether the condition of this type is True. */
export function isConditionTrue<Object extends { status?: unknown }>(object: Object, type: ConditionTypeIn<Object>): boolean {
  return findCondition(object, type)?.status === 'True'
}
