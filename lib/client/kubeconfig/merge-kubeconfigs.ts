import type { Kubeconfig } from './kubeconfig.js'

/** One view of several kubeconfigs: the first file that has an entry, or names the current context, wins; as kubectl merges KUBECONFIG. */
export function mergeKubeconfigs(files: readonly Kubeconfig[]): Kubeconfig {
  const merged: Kubeconfig = { apiVersion: 'v1', kind: 'Config' }
  for (const file of files) {
    for (const [field, value] of Object.entries(file)) {
      if (field !== 'clusters' && field !== 'users' && field !== 'contexts') merged[field] ??= value
    }
  }
  merged.clusters = firstOfEachName(files.map((file) => file.clusters ?? []))
  merged.users = firstOfEachName(files.map((file) => file.users ?? []))
  merged.contexts = firstOfEachName(files.map((file) => file.contexts ?? []))
  return merged
}

function firstOfEachName<Entry extends { name: string }>(lists: readonly (readonly Entry[])[]): Entry[] {
  const byName = new Map<string, Entry>()
  for (const entry of lists.flat()) if (!byName.has(entry.name)) byName.set(entry.name, entry)
  return [...byName.values()]
}
