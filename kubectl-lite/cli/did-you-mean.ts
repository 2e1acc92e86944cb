import { editDistance } from '../../lib/api/edit-distance.js'

/** The known word nearest to what was typed, if one is near enough to have been meant. */
export function nearestWord(typed: string, known: Iterable<string>): string | undefined {
  const word = typed.toLowerCase()
  let best: { candidate: string; distance: number } | undefined
  for (const candidate of known) {
    const distance = editDistance(word, candidate.toLowerCase())
    const limit = Math.max(1, Math.floor(Math.max(word.length, candidate.length) / 3))
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance }
  }
  return best?.candidate
}

/** ` Did you mean "tasks"?`, or nothing. */
export function didYouMean(typed: string, known: Iterable<string>): string {
  const nearest = nearestWord(typed, known)
  return nearest === undefined ? '' : ` Did you mean "${nearest}"?`
}
