/**
 * Resolves when `activity` has stood still for some turns of the event loop: what was under way inside this process has come to its end,
 * however slowly the machine runs. For tests that move a clock and must let everybody act before they move it again.
 */
export async function quiet(activity: () => number, turns = 10): Promise<void> {
  let before = activity()
  for (let still = 0; still < turns; still++) {
    await new Promise((resolve) => setTimeout(resolve, 1))
    const now = activity()
    if (now !== before) still = 0
    before = now
  }
}
