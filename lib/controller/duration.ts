/** A span of time in words: `500ms`, `30s`, `5m`, `1h`; computed ones are milliseconds, as `${leftMs}ms`. */
export type Duration = `${number}${keyof typeof unitMs}`

const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const

/** In milliseconds. Throws for what is no span of time. */
export function durationMs(duration: Duration): number {
  const [, amount, unit] = /^(\S+?)(ms|s|m|h)$/.exec(duration) ?? []
  const ms = Number(amount) * unitMs[unit as keyof typeof unitMs]
  if (!Number.isFinite(ms) || ms < 0) throw new Error(`not a duration: ${JSON.stringify(duration)} (as 500ms, 30s, 5m or 1h)`)
  return ms
}
