import { defineKind, type Kind } from '../lib/api/define-kind.js'
import type { Client } from '../lib/client/client.js'

interface ResourceList {
  readonly groupVersion: string
  readonly resources: readonly {
    readonly name: string
    readonly kind: string
    readonly namespaced: boolean
    readonly verbs: readonly string[]
  }[]
}
interface GroupList {
  readonly groups: readonly { readonly versions: readonly { readonly groupVersion: string }[] }[]
}

/** Without one of these a kind holds no objects of its own: a view of others, or a question that is answered and forgotten. */
const verbsOfStored = ['create', 'delete', 'list', 'watch']

/**
 * The kinds whose objects can be collected, as discovery says: built-in and users' own alike, each in the version that its group prefers.
 * Views of other objects are left out: they can be deleted, but not created, and go with what is behind them.
 */
export async function servedKinds(client: Client, signal: AbortSignal): Promise<Kind[]> {
  const get = async <T>(path: string): Promise<T> => JSON.parse(await (await client.raw({ method: 'GET', path, signal })).text()) as T
  const { groups } = await get<GroupList>('/apis')
  const lists = await Promise.all([
    get<ResourceList>('/api/v1'),
    ...groups.flatMap(({ versions }) => versions.map(({ groupVersion }) => get<ResourceList>(`/apis/${groupVersion}`))),
  ])
  const kinds = lists.flatMap(({ groupVersion, resources }) =>
    resources
      .filter(({ name, verbs }) => !name.includes('/') && verbsOfStored.every((verb) => verbs.includes(verb)))
      .map(({ name, kind, namespaced }) => kindFromDiscovery(groupVersion, name, kind, namespaced)),
  )
  return [...new Map(kinds.reverse().map((kind) => [`${kind.group}/${kind.plural}`, kind])).values()].reverse()
}

function kindFromDiscovery(groupVersion: string, plural: string, kind: string, namespaced: boolean): Kind {
  const [group, version] = groupVersion.includes('/') ? (groupVersion.split('/') as [string, string]) : ['', groupVersion]
  const scope = namespaced ? 'Namespaced' : 'Cluster'
  return defineKind({ group, version, kind, plural, scope, description: 'Known from discovery.' }) as unknown as Kind
}

/** Whether both lists name the same kinds. */
export function sameKinds(a: readonly Kind[], b: readonly Kind[]): boolean {
  const names = (kinds: readonly Kind[]) =>
    kinds
      .map(({ apiVersion, kind }) => `${apiVersion} ${kind}`)
      .sort()
      .join()
  return names(a) === names(b)
}
