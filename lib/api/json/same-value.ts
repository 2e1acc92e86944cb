/** Whether two decoded values are equal. The order of members does not count; a member that is undefined counts as absent. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false
    return left.every((item, index) => sameValue(item, right[index]))
  }
  return sameMembers(left as Record<string, unknown>, right as Record<string, unknown>)
}

function sameMembers(left: Record<string, unknown>, right: Record<string, unknown>): boolean {
  let inBoth = 0
  for (const key of Object.keys(left)) {
    if (left[key] === undefined) continue
    if (!Object.hasOwn(right, key) || !sameValue(left[key], right[key])) return false
    inBoth++
  }
  let inRight = 0
  for (const key of Object.keys(right)) if (right[key] !== undefined) inRight++
  return inBoth === inRight
}
