import type { Io } from '../cli/io.js'

const everyMs = 200

/** Counts bytes, and shows the count on a terminal, never in a file or a pipe. */
export function showProgress(io: Io): { add(bytes: number): void; end(): void } {
  let total = 0
  let shownAtMs = Number.NEGATIVE_INFINITY
  return {
    add(bytes) {
      total += bytes
      if (!io.terminal || performance.now() - shownAtMs < everyMs) return
      shownAtMs = performance.now()
      io.err(`\r${(total / 1_000_000).toFixed(1)} MB`)
    },
    end() {
      if (io.terminal && Number.isFinite(shownAtMs)) io.err('\r\u001b[K')
    },
  }
}
