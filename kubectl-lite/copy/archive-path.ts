/**
 * Where an entry of an archive goes below the target of a copy: the parts of the path behind `base`, which the archive was asked for.
 * Undefined for what was not asked for, or would lie outside: the archive comes from a workload, and may say anything. Pure.
 */
export function pathBelow(entry: string, base: string): readonly string[] | undefined {
  if (entry.includes('\0') || entry.startsWith('/')) return undefined
  const parts = entry.split('/').filter((part) => part !== '' && part !== '.')
  const asked = base.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || asked.some((part, index) => parts[index] !== part)) return undefined
  return parts.slice(asked.length)
}
