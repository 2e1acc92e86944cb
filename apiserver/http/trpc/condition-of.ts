import { type Condition, findCondition } from '../../../lib/api/condition.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'

/** The condition of this type of an object of any kind. */
export const conditionOf = (object: KubeObject, type: string): Condition | undefined => findCondition({ status: object.status }, type)
