/**
 * Waits until `check` returns without throwing (and not false), looking again every few milliseconds; for what has no event to wait on. A
 * check that takes long, since it starts a program, rests as long as it took: what it waits for needs the processor more. Throws the last
 * failure after `timeoutMs` of real time, which is generous: a loaded machine is slow, and a failure may be so, too.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  options: { timeoutMs?: number; intervalMs?: number } = {},
): Promise<Exclude<T, false>> {
  const { timeoutMs = 60_000, intervalMs = 10 } = options
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const began = performance.now()
    let failure: unknown
    try {
      const result = await check()
      if (result !== false) return result as Exclude<T, false>
      failure = new Error(`the condition did not come true within ${timeoutMs} ms`)
    } catch (error) {
      failure = error
    }
    const now = performance.now()
    if (now > deadline) throw failure
    await new Promise((resolve) => setTimeout(resolve, Math.max(intervalMs, Math.min(now - began, longestRestMs))))
  }
}

const longestRestMs = 500
