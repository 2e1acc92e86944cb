import { UsageError } from '../cli/exit-code.js'

/** One side of a copy: here, or in a Task or a Vps. */
export interface Place {
  readonly task?: { readonly namespace?: string; readonly kind?: 'vps'; readonly name: string }
  readonly path: string
}

/**
 * Reads PATH, TASK:PATH, NAMESPACE/TASK:PATH, vps/NAME:PATH or NAMESPACE/vps/NAME:PATH. A path
 * with a colon begins with `./` or `/`. Throws UsageError. Pure.
 */
export function parsePlace(word: string): Place {
  const colon = word.indexOf(':')
  if (colon < 0 || /^[./]/.test(word)) {
    if (word === '') throw new UsageError('a path is empty')
    return { path: word }
  }
  const parts = word.slice(0, colon).split('/')
  const path = word.slice(colon + 1)
  const isVps = parts.at(-2) === 'vps'
  const [name = '', namespace, ...rest] = (isVps ? parts.toSpliced(-2, 1) : parts).toReversed()
  if (name === '' || namespace === '' || rest.length > 0)
    throw new UsageError(`"${word}" is no place: give TASK:PATH, vps/NAME:PATH or NAMESPACE/TASK:PATH`)
  if (path === '') throw new UsageError(`"${word}" names no path in the ${isVps ? 'Vps' : 'Task'}`)
  return { task: { name, ...(namespace === undefined ? {} : { namespace }), ...(isVps ? { kind: 'vps' as const } : {}) }, path }
}
