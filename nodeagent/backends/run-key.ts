import type { RunId } from './backend.js'

const uidPattern = /^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/
const keyPattern = /^([A-Za-z0-9][A-Za-z0-9-]{0,63})\.(\d{1,9})\.(\d{1,9})$/

/**
 * `UID.ATTEMPT.RUN`: the one text form of a run, for files, containers and cgroups.
 * Throws on a uid that is no plain word: it becomes part of paths.
 */
export function printRunKey(id: RunId): string {
  if (!uidPattern.test(id.uid)) throw new Error(`not a uid that can name files: ${JSON.stringify(id.uid)}`)
  return `${id.uid}.${id.attempt}.${id.run}`
}

/** The inverse of printRunKey; undefined for any other text. */
export function parseRunKey(text: string): RunId | undefined {
  const match = keyPattern.exec(text)
  if (!match?.[1]) return undefined
  return { uid: match[1], attempt: Number(match[2]), run: Number(match[3]) }
}

export function isSameRun(a: RunId, b: RunId): boolean {
  return a.uid === b.uid && a.attempt === b.attempt && a.run === b.run
}
