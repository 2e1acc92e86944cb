import { editDistance } from '../edit-distance.js'

/** The known name that `typo` most likely means: at most two edits away (one for short names). */
export function suggestName(typo: string, known: readonly string[]): string | undefined {
  const allowed = typo.length <= 4 ? 1 : 2
  let best: { name: string; distance: number } | undefined
  for (const name of known) {
    if (Math.abs(name.length - typo.length) > allowed) continue
    const distance = name.toLowerCase() === typo.toLowerCase() ? 0 : editDistance(typo, name)
    if (distance <= allowed && (best === undefined || distance < best.distance)) best = { name, distance }
  }
  return best?.name
}
