/**
 * Waits until `check` returns without throwing (and not false), looking again every few milliseconds. For what has no event to wait on. Throws
 * the last failure after `timeoutMs` of real time, which is generous: a loaded machine is slow, and a failure may be so, too.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<Exclude<T, false>> {
  const { timeoutMs = 60_000, intervalMs = 10 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    let failure: unknown
    try {
      const result = await check()
      if (result !== false) return result as Exclude<T, false>
      failure = new Error(`the condition did not come true within ${timeoutMs} ms`)
    } catch (error) {
      failure = error
    }
    if (performance.now() > deadline) throw failure
    await new Promise((resolve) => setTimeout(resolve, intervalMs))
  }
}
