/**
 * What in a value JSON cannot carry, with its path, as `status.load: NaN is no number in JSON`;
 * undefined when all is well. Members that are undefined are absent.
 */
export function jsonProblem(value: unknown, path: string, above: readonly object[] = []): string | undefined {
  if (typeof value === 'number' && !Number.isFinite(value)) return `${path}: ${value} is no number in JSON`
  if (typeof value === 'bigint' || typeof value === 'function' || typeof value === 'symbol') return `${path}: JSON has no ${typeof value}`
  if (typeof value !== 'object' || value === null) return undefined
  if (above.includes(value)) return `${path}: it holds itself`
  const within = [...above, value]
  for (const [key, member] of Object.entries(value)) {
    const problem = jsonProblem(member, Array.isArray(value) ? `${path}[${key}]` : `${path}.${key}`, within)
    if (problem !== undefined) return problem
  }
  return undefined
}
