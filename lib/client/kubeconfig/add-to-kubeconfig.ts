import { isDeepStrictEqual } from 'node:util'
import { type Kubeconfig, KubeconfigError } from './kubeconfig.js'

export interface AddOptions {
  /** Entries of the same name that differ are replaced; otherwise they are an error. Default false. */
  readonly overwrite?: boolean
  /** Makes the added kubeconfig's current context the current one. Default: only when there was none. */
  readonly use?: boolean
}

/** `into` with the entries of `from`; what `kubectl-lite config merge` writes. Nothing that was there is lost without `overwrite`. */
export function addToKubeconfig(into: Kubeconfig, from: Kubeconfig, options: AddOptions = {}): Kubeconfig {
  const clashes: string[] = []
  const add = <Entry extends { name: string }>(what: string, mine: readonly Entry[] = [], theirs: readonly Entry[] = []): Entry[] => {
    const added = new Map(mine.map((entry) => [entry.name, entry]))
    for (const entry of theirs) {
      const before = added.get(entry.name)
      if (before && !isDeepStrictEqual(before, entry)) clashes.push(`${what} ${entry.name}`)
      added.set(entry.name, entry)
    }
    return [...added.values()]
  }
  const result: Kubeconfig = {
    ...into,
    clusters: add('cluster', into.clusters, from.clusters),
    users: add('user', into.users, from.users),
    contexts: add('context', into.contexts, from.contexts),
  }
  if (clashes.length > 0 && !options.overwrite) {
    throw new KubeconfigError(`the kubeconfig has another ${clashes.join(', another ')} already: replace with --overwrite, or rename first`)
  }
  const theirs = from['current-context']
  if (theirs && (options.use || !into['current-context'])) result['current-context'] = theirs
  return result
}
