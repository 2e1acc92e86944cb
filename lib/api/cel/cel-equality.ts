import { BudgetSpent, type StepBudget } from '../pattern/compile-pattern.js'
import { CelAddress, CelCidr } from './cel-address.js'
import { CelQuantity } from './cel-quantity.js'
import { CelDuration, CelError, CelOptional, CelTime, CelType, isMapLike, keysOf, memberOf } from './cel-value.js'

/** Throws BudgetSpent when there is no more. */
export function pay(budget: StepBudget, steps: number): void {
  budget.left -= steps
  if (budget.left < 0) throw new BudgetSpent('the rule costs too much')
}

/** Whether two values are equal; numbers of different types are compared by what they say. Every member and character is paid for. */
export function celEquals(left: unknown, right: unknown, budget: StepBudget): boolean {
  pay(budget, 1)
  if (isNumber(left) && isNumber(right)) return left <= right && left >= right
  if (typeof left === 'string' && typeof right === 'string') {
    pay(budget, left.length / 20)
    return left === right
  }
  if (left === right) return true
  if (Array.isArray(left) && Array.isArray(right))
    return left.length === right.length && left.every((item, index) => celEquals(item, right[index], budget))
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0
  if (isMapLike(left) && isMapLike(right)) {
    const keys = keysOf(left)
    return (
      keys.length === keysOf(right).length &&
      keys.every((key) => {
        const other = memberOf(right, key)
        return other !== undefined && celEquals(memberOf(left, key), other, budget)
      })
    )
  }
  if (left instanceof CelOptional && right instanceof CelOptional)
    return left.present && right.present ? celEquals(left.value, right.value, budget) : left.present === right.present
  if (left instanceof CelType && right instanceof CelType) return left.name === right.name
  if (left instanceof CelAddress && right instanceof CelAddress) return left.text === right.text
  if (left instanceof CelCidr && right instanceof CelCidr) return left.prefix === right.prefix && left.address.text === right.address.text
  return isOrdered(left) && isOrdered(right) && left.constructor === right.constructor && compareValues(left, right) === 0
}

const isNumber = (value: unknown): value is bigint | number => typeof value === 'bigint' || typeof value === 'number'
const isOrdered = (value: unknown): value is CelTime | CelDuration | CelQuantity =>
  value instanceof CelTime || value instanceof CelDuration || value instanceof CelQuantity

/** Below 0, 0 or above, for values that have an order. Throws CelError for others. */
export function compareValues(left: unknown, right: unknown): number {
  if (isNumber(left) && isNumber(right)) return left < right ? -1 : left > right ? 1 : left >= right ? 0 : Number.NaN
  if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  if ((left instanceof CelTime && right instanceof CelTime) || (left instanceof CelDuration && right instanceof CelDuration))
    return left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0
  if (left instanceof CelQuantity && right instanceof CelQuantity) return left.value < right.value ? -1 : left.value > right.value ? 1 : 0
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right)
  throw new CelError('these values have no order')
}
