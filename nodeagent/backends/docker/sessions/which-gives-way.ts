/** A way into a container, and whose container it is. */
export interface Held {
  readonly namespace: string
  /** Whether nobody waits for a connection by it. */
  readonly isIdle: boolean
}

/**
 * Which of those that are held goes when there is no room for one more of `namespace`: one of the namespace that
 * holds most, or of the same one where that holds as many; there an idle one, else the one that is busy for
 * longest. `held` begins with the one that became busy longest ago.
 */
export function whichGivesWay<T extends Held>(held: readonly T[], namespace: string): T | undefined {
  const counts = new Map<string, number>()
  for (const each of held) counts.set(each.namespace, (counts.get(each.namespace) ?? 0) + 1)
  const most = Math.max(0, ...counts.values())
  const isOwn = counts.get(namespace) === most
  const those = held.filter((each) => (isOwn ? each.namespace === namespace : counts.get(each.namespace) === most))
  return those.find(({ isIdle }) => isIdle) ?? those[0]
}
