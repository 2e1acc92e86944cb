/**
 * Judges an open stream again and again, and calls `end` once when it is no longer due: `isDue` says no, or throws. Returns how to stop.
 */
export function judgeRepeatedly(everyMs: number, isDue: () => boolean, end: () => void): () => void {
  const timer = setInterval(() => {
    if (holds(isDue)) return
    clearInterval(timer)
    end()
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}

function holds(isDue: () => boolean): boolean {
  try {
    return isDue()
  } catch {
    return false
  }
}
