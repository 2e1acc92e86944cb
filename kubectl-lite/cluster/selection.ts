/** Which objects a command line means: `tasks`, `tasks,nodes`, `task hello other`, `task/hello node/n1`. */
import { UsageError } from '../cli/exit-code.js'
import type { ApiResource } from './api-resource.js'
import type { Discovery } from './discovery.js'

export type Selection =
  | { readonly type: 'kinds'; readonly resources: readonly ApiResource[] }
  | {
      readonly type: 'names'
      readonly items: readonly { readonly resource: ApiResource; readonly name: string }[]
      readonly slashed: boolean
    }

/** Reads the words of a command line. Throws UsageError for words that do not fit together. */
export async function parseSelection(discovery: Discovery, words: readonly string[]): Promise<Selection> {
  const [first, ...names] = words
  if (first === undefined) throw new UsageError('name a kind, or KIND/NAME; `kubectl-lite api-resources` lists the kinds')
  if (words.some((word) => word.includes('/'))) {
    const items = []
    for (const word of words) {
      const [kind, name, more] = word.split('/')
      if (!kind || !name || more !== undefined)
        throw new UsageError(
          `"${word}" is not KIND/NAME; either all arguments have that form, or the first is a kind and the others are names`,
        )
      items.push({ resource: await discovery.findOne(kind), name })
    }
    return { type: 'names', items, slashed: true }
  }
  const resources = []
  for (const word of first.split(',').filter((part) => part !== '')) resources.push(...(await discovery.find(word)))
  if (names.length === 0) return { type: 'kinds', resources: [...new Set(resources)] }
  return { type: 'names', items: resources.flatMap((resource) => names.map((name) => ({ resource, name }))), slashed: false }
}
