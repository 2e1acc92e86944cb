/** The order in which versions are preferred: v2, v1, v2beta1, v1beta2, v1alpha1, then others by the alphabet. */
export function compareVersions(a: string, b: string): number {
  const left = parse(a)
  const right = parse(b)
  if (!left || !right) return left ? -1 : right ? 1 : a < b ? -1 : a > b ? 1 : 0
  return right.stage - left.stage || right.major - left.major || right.minor - left.minor
}

const stages = ['alpha', 'beta', '']

function parse(version: string): { stage: number; major: number; minor: number } | undefined {
  const match = /^v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?$/.exec(version)
  return match ? { stage: stages.indexOf(match[2] ?? ''), major: Number(match[1]), minor: Number(match[3] ?? 0) } : undefined
}
