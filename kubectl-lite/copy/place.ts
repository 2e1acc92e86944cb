import { UsageError } from '../cli/exit-code.js'

/** One side of a copy: here, or in a Task. */
export interface Place {
  readonly task?: { readonly namespace?: string; readonly name: string }
  readonly path: string
}

/** Reads PATH, TASK:PATH or NAMESPACE/TASK:PATH. A path with a colon begins with `./` or `/`. Throws UsageError. Pure. */
export function parsePlace(word: string): Place {
  const colon = word.indexOf(':')
  if (colon < 0 || /^[./]/.test(word)) {
    if (word === '') throw new UsageError('a path is empty')
    return { path: word }
  }
  const [first = '', second, ...rest] = word.slice(0, colon).split('/')
  const path = word.slice(colon + 1)
  if (first === '' || second === '' || rest.length > 0) throw new UsageError(`"${word}" is no place: give TASK:PATH or NAMESPACE/TASK:PATH`)
  if (path === '') throw new UsageError(`"${word}" names no path in the Task`)
  return { task: second === undefined ? { name: first } : { namespace: first, name: second }, path }
}
