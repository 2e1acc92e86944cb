/**
 * Puts the items of a merged list in the order that `$setElementOrder` asks for. Items that the order does not name (somebody else's) keep
 * their place among the others as far as the live list had one. Identities are texts.
 */
export function orderItems<T>(
  items: readonly T[],
  identityOf: (item: T) => string,
  wanted: readonly string[],
  live: readonly string[],
): T[] {
  const wantedAt = positions(wanted)
  const liveAt = positions(live)
  const named = items.filter((item) => wantedAt.has(identityOf(item)))
  const others = items.filter((item) => !wantedAt.has(identityOf(item)))
  named.sort((left, right) => (wantedAt.get(identityOf(left)) ?? 0) - (wantedAt.get(identityOf(right)) ?? 0))
  const merged: T[] = []
  let next = 0
  for (const other of others) {
    const place = liveAt.get(identityOf(other))
    for (let item = named[next]; item !== undefined && isBefore(liveAt.get(identityOf(item)), place); item = named[++next])
      merged.push(item)
    merged.push(other)
  }
  return [...merged, ...named.slice(next)]
}

const isBefore = (left: number | undefined, right: number | undefined) => left !== undefined && right !== undefined && left < right

function positions(identities: readonly string[]): Map<string, number> {
  const found = new Map<string, number>()
  for (const [index, identity] of identities.entries()) if (!found.has(identity)) found.set(identity, index)
  return found
}
