/**
 * Which kinds the server knows: its aggregated discovery, kept in a file for ten minutes. A name that the file does not know makes it read
 * anew, so a new custom kind is found at once.
 */
import type { Client } from '../../lib/client/client.js'
import { UsageError } from '../cli/exit-code.js'
import type { ApiResource } from './api-resource.js'
import type { DiscoveryFile } from './discovery-file.js'

const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json'

export class Discovery {
  readonly #client: Client
  readonly #file: DiscoveryFile
  #resources: readonly ApiResource[] | undefined

  constructor(client: Client, file: DiscoveryFile) {
    this.#client = client
    this.#file = file
  }

  /** All kinds, as the server lists them now. */
  async refresh(): Promise<readonly ApiResource[]> {
    const answers = await Promise.all(['/api', '/apis'].map((path) => this.#client.raw({ method: 'GET', path, headers: { accept } })))
    const texts = await Promise.all(answers.map((answer) => answer.text()))
    this.#resources = texts.flatMap((text) => readDiscovery(JSON.parse(text)))
    this.#file.write(this.#resources)
    return this.#resources
  }

  /** The kinds that a word names: a plural, singular or short name, with or without `.GROUP` or `.VERSION.GROUP`, or a category. */
  async find(word: string): Promise<readonly ApiResource[]> {
    const known = this.#resources ?? this.#file.read()
    if (known) {
      this.#resources = known
      const found = findResources(known, word)
      if (found.length > 0 && !isCategory(known, word)) return found
    }
    const fresh = await this.refresh()
    const found = findResources(fresh, word)
    if (found.length > 0) return found
    const words = fresh.flatMap((resource) => [resource.plural, resource.singular])
    const { didYouMean } = await import('../cli/did-you-mean.js')
    const hint = didYouMean(word, words) || ` An object is named KIND/NAME, as task/${word}; kubectl-lite api-resources lists the kinds.`
    throw new UsageError(`the server doesn't have a resource type "${word}".${hint}`)
  }

  /** The one kind that a word names. */
  async findOne(word: string): Promise<ApiResource> {
    const [resource] = await this.find(word)
    if (!resource) throw new UsageError(`the server doesn't have a resource type "${word}"`)
    return resource
  }

  /** The kind of a manifest. */
  async ofKind(apiVersion: string, kind: string): Promise<ApiResource> {
    const match = (resources: readonly ApiResource[]) =>
      resources.find(
        (resource) =>
          resource.kind === kind && apiVersion === (resource.group === '' ? resource.version : `${resource.group}/${resource.version}`),
      )
    const known = this.#resources ?? this.#file.read()
    const found = (known && match(known)) ?? match(await this.refresh())
    if (found) return found
    const { didYouMean } = await import('../cli/did-you-mean.js')
    const resources = this.#resources ?? []
    const sameKind = resources.find((resource) => resource.kind === kind)
    const hint = sameKind
      ? ` Did you mean apiVersion "${sameKind.group === '' ? sameKind.version : `${sameKind.group}/${sameKind.version}`}"?`
      : didYouMean(
          kind,
          resources.map((resource) => resource.kind),
        ) || ' kubectl-lite api-resources lists the kinds.'
    throw new UsageError(`no matches for kind "${kind}" in version "${apiVersion}".${hint}`)
  }
}

function isCategory(resources: readonly ApiResource[], word: string): boolean {
  return resources.some((resource) => resource.categories.includes(word.toLowerCase()))
}

/** Exact names first; a category stands for all its kinds. */
function findResources(resources: readonly ApiResource[], word: string): readonly ApiResource[] {
  const [name = '', ...rest] = word.toLowerCase().split('.')
  const suffix = rest.join('.')
  const named = resources.filter(
    (resource) =>
      (resource.plural === name ||
        resource.singular === name ||
        resource.shortNames.includes(name) ||
        resource.kind.toLowerCase() === name) &&
      (suffix === '' || suffix === resource.group || suffix === `${resource.version}.${resource.group}`),
  )
  if (named[0]) return [named.find((resource) => resource.plural === name) ?? named[0]]
  return suffix === '' ? resources.filter((resource) => resource.categories.includes(name) && resource.verbs.includes('list')) : []
}

interface DiscoveryList {
  items?: {
    metadata?: { name?: string }
    versions?: {
      version: string
      resources?: {
        resource: string
        responseKind?: { kind?: string }
        scope?: string
        singularResource?: string
        shortNames?: string[]
        categories?: string[]
        verbs?: string[]
        subresources?: { subresource: string }[]
      }[]
    }[]
  }[]
}

/** The kinds of an APIGroupDiscoveryList. */
function readDiscovery(answer: unknown): readonly ApiResource[] {
  return ((answer as DiscoveryList).items ?? []).flatMap((group) =>
    (group.versions ?? []).flatMap(({ version, resources = [] }) =>
      resources.map(
        (entry): ApiResource => ({
          group: group.metadata?.name ?? '',
          version,
          kind: entry.responseKind?.kind ?? '',
          plural: entry.resource,
          singular: entry.singularResource || (entry.responseKind?.kind ?? entry.resource).toLowerCase(),
          shortNames: entry.shortNames ?? [],
          categories: entry.categories ?? [],
          scope: entry.scope === 'Cluster' ? 'Cluster' : 'Namespaced',
          verbs: entry.verbs ?? [],
          subresources: (entry.subresources ?? []).map((sub) => sub.subresource),
        }),
      ),
    ),
  )
}
