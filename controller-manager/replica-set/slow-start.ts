/**
 * Does a thing so many times, in batches of 1, 2, 4…, and stops after the first batch in which it failed: what is refused once is not asked
 * for a hundred times. Resolves with what succeeded, in order, and the failures.
 */
export async function slowStart<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<{ readonly done: Result[]; readonly failures: unknown[] }> {
  const done: Result[] = []
  const failures: unknown[] = []
  for (let start = 0, size = 1; start < items.length && failures.length === 0; start += size, size *= 2) {
    for (const outcome of await Promise.allSettled(items.slice(start, start + size).map(act))) {
      if (outcome.status === 'fulfilled') done.push(outcome.value)
      else failures.push(outcome.reason)
    }
  }
  return { done, failures }
}
