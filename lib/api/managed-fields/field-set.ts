/**
 * Sets of fields in the form in which the wire has them (FieldsV1): no decoding, no encoding.
 *
 *     { 'f:spec': { 'f:suspend': {}, 'f:env': { 'k:{"name":"A"}': { '.': {}, 'f:value': {} } } } }
 *
 * A node without members is a field that is in the set; `.` says it of a node that has members too. The set itself is no field. Sets are
 * never changed: what an operation leaves as it was is shared.
 */
export interface FieldSet {
  readonly [element: string]: FieldSet
}

/** The set without fields; within a set: a field without further fields in it. */
export const noFields: FieldSet = Object.freeze({})

export function isEmptySet(set: FieldSet): boolean {
  for (const _element in set) return false
  return true
}

/** Whether a node within a set is itself in the set. */
export function isMember(node: FieldSet): boolean {
  return isEmptySet(node) || Object.hasOwn(node, '.')
}

/** The node below an element. */
export function childOf(node: FieldSet, element: string): FieldSet | undefined {
  return Object.hasOwn(node, element) ? node[element] : undefined
}

/** What is in either. */
export function unionOf(left: FieldSet, right: FieldSet): FieldSet {
  if (left === right || isEmptySet(right)) return left
  return isEmptySet(left) ? right : joined(left, right)
}

/** What is in any. Costs what they hold, however many they are. */
export function unionOfAll(sets: readonly FieldSet[]): FieldSet {
  const [first = noFields, ...further] = sets.filter((set) => !isEmptySet(set))
  if (further.length === 0) return first
  const nodes = new Map<string, FieldSet[]>()
  for (const set of [first, ...further])
    for (const element of Object.keys(set)) {
      const node = set[element] as FieldSet
      const same = nodes.get(element)
      if (same) same.push(node)
      else nodes.set(element, [node])
    }
  const union: Record<string, FieldSet> = {}
  for (const [element, same] of nodes) union[element] = same.every(isEmptySet) ? noFields : unionOfAll(same.map(spelt))
  return union
}

/**
 * A set that is compared with many. Whether a large object is empty costs a look at all its keys, so here every
 * field says by a `.` that it is one, and nothing is asked twice.
 */
export interface ComparedSet {
  readonly isEmpty: boolean
  readonly spelt: FieldSet
}

export function comparedSet(set: FieldSet): ComparedSet {
  return { isEmpty: isEmptySet(set), spelt: speltOut(set) }
}

function speltOut(set: FieldSet): FieldSet {
  const all: Record<string, FieldSet> = {}
  for (const element of Object.keys(set)) {
    const node = set[element] as FieldSet
    all[element] = element === '.' ? noFields : isEmptySet(node) ? onlyItself : speltOut(node)
  }
  return all
}

/** What is in `left` and not in `right`. */
export function differenceOf(left: FieldSet, right: FieldSet): FieldSet {
  return differenceFrom(left, comparedSet(right))
}

/** The same, of one of many. */
export function differenceFrom(left: FieldSet, right: ComparedSet): FieldSet {
  return right.isEmpty || isEmptySet(left) ? left : (without(left, right.spelt) ?? noFields)
}

/** What is in both. */
export function intersectionWith(left: FieldSet, right: ComparedSet): FieldSet {
  return right.isEmpty || isEmptySet(left) ? noFields : (common(left, right.spelt) ?? noFields)
}

/** The paths of all fields in the set, in order; each a list of elements. */
export function pathsOf(set: FieldSet): string[][] {
  const found: string[][] = []
  collectPaths(set, [], found)
  return found
}

function collectPaths(node: FieldSet, path: readonly string[], found: string[][]): void {
  for (const element of Object.keys(node).sort()) {
    const child = node[element] as FieldSet
    if (element === '.') found.push([...path])
    else if (isEmptySet(child)) found.push([...path, element])
    else collectPaths(child, [...path, element], found)
  }
}

/** A node as if `.` were always written, so that the operations need know nothing of leaves. */
const spelt = (node: FieldSet): FieldSet => (isEmptySet(node) ? onlyItself : node)
const onlyItself: FieldSet = Object.freeze({ '.': noFields })

function joined(left: FieldSet, right: FieldSet): FieldSet {
  const union: Record<string, FieldSet> = { ...left }
  for (const element of Object.keys(right)) {
    const [mine, theirs] = [childOf(left, element), right[element] as FieldSet]
    if (mine === undefined) union[element] = theirs
    else if (mine !== theirs && !(isEmptySet(mine) && isEmptySet(theirs))) union[element] = joined(spelt(mine), spelt(theirs))
  }
  return union
}

/** `right` is spelt out. */
function without(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const rest: Record<string, FieldSet> = {}
  for (const element of Object.keys(left)) {
    const [mine, theirs] = [left[element] as FieldSet, childOf(right, element)]
    const kept = theirs === undefined ? mine : element === '.' ? undefined : without(spelt(mine), theirs)
    if (kept !== undefined) rest[element] = kept
  }
  return packed(rest)
}

/** `right` is spelt out. */
function common(left: FieldSet, right: FieldSet): FieldSet | undefined {
  const shared: Record<string, FieldSet> = {}
  for (const element of Object.keys(left)) {
    const theirs = childOf(right, element)
    if (theirs === undefined) continue
    const both = element === '.' ? noFields : common(spelt(left[element] as FieldSet), theirs)
    if (both !== undefined) shared[element] = both
  }
  return packed(shared)
}

/** Nothing for no field, and the short form of a field alone. */
function packed(node: Record<string, FieldSet>): FieldSet | undefined {
  const elements = Object.keys(node)
  if (elements.length === 0) return undefined
  return elements.length === 1 && elements[0] === '.' ? noFields : node
}
