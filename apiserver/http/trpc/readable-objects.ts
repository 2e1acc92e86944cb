import { badRequest, notFound } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { StoredObject } from '../../storage/store.js'
import { authorize } from '../wire/exchange.js'
import type { ProcedureContext } from './app-router.js'
import type { ObjectInput, ParsedObjectInput } from './procedure-input.js'

/** Each is parsed to be looked at, while other requests wait. */
const mostOwned = 200

/** The objects that the caller may read. What may not be read is not shown, and noted. */
export class ReadableObjects {
  readonly #context: ProcedureContext
  readonly #hidden = new Set<string>()

  constructor(context: ProcedureContext) {
    this.#context = context
  }

  /** What was left out because the caller may not read it: `nodes n1`. */
  get hidden(): readonly string[] {
    return [...this.#hidden]
  }

  /** The kind and place that an input means. Throws BadRequest where there is none, or more than one. */
  resolve(input: ParsedObjectInput): { kind: Kind; place: ObjectInput } {
    const found = storedKinds(this.#context.parts.registry.kinds).filter(
      (kind) => kind.plural === input.resource && (input.group === undefined || kind.group === input.group),
    )
    const [kind, ...others] = found
    if (!kind) throw badRequest(`there is no resource ${JSON.stringify(input.resource)}`)
    if (others.length > 0)
      throw badRequest(`several groups have ${input.resource}: name one of ${found.map((one) => one.group || '""').join(', ')}`)
    if (kind.viewOf)
      throw badRequest(`${kind.plural} are a view of ${kind.viewOf.map(({ plural }) => plural).join(' and ')}: ask about those`)
    const namespace = kind.scope === 'Namespaced' ? input.namespace || 'default' : ''
    return { kind, place: { group: kind.group, resource: kind.plural, namespace, name: input.name } }
  }

  /** Throws Forbidden or NotFound. */
  require(place: ObjectInput): KubeObject {
    this.demand(place)
    const stored = this.#context.parts.store.get(place)
    if (!stored) throw notFound(place)
    return parse(stored)
  }

  /** Throws Forbidden unless the caller may read the object. */
  demand(place: ObjectInput): void {
    authorize(this.#context.parts.authorizer, this.#access('get', place))
  }

  /** The object; undefined where it is absent or may not be read. `isHidden` tells which. */
  find(place: ObjectInput): KubeObject | undefined {
    if (!this.#allows('get', place)) return undefined
    const stored = this.#context.parts.store.get(place)
    return stored && parse(stored)
  }

  isHidden(place: ObjectInput): boolean {
    return this.#hidden.has(describe(place))
  }

  /** The Events about an object, oldest first. */
  eventsAbout(object: KubeObject): KubeObject[] {
    const namespace = object.metadata.namespace || 'default'
    const place = { group: '', resource: 'events', namespace, name: '' }
    if (!this.#allows('list', place)) return []
    const { objects } = this.#context.parts.store.list({
      group: '',
      resource: 'events',
      namespace,
      indexed: { path: 'involvedObject.uid', value: object.metadata.uid },
    })
    return objects.map(parse)
  }

  /** The objects of a resource in a namespace, by name. */
  listed(place: ObjectInput): KubeObject[] {
    return this.#stored(place).map(parse)
  }

  /** The objects of a resource in a namespace that one of these owners owns, oldest first: the newest ones, where there are very many. */
  ownedBy(place: ObjectInput, ...ownerUids: readonly string[]): KubeObject[] {
    const owners = new Set(ownerUids)
    return this.#stored(place)
      .filter(({ facets }) => facets.owners.some((uid) => owners.has(uid)))
      .sort((one, other) => one.createRevision - other.createRevision)
      .slice(-mostOwned)
      .map(parse)
  }

  mayList(kind: Kind, namespace: string): boolean {
    return this.#allows('list', { group: kind.group, resource: kind.plural, namespace, name: '' })
  }

  #stored(place: ObjectInput): readonly StoredObject[] {
    if (!this.#allows('list', place)) return []
    const { group, resource, namespace } = place
    return this.#context.parts.store.list({ group, resource, namespace }).objects
  }

  #allows(verb: string, place: ObjectInput): boolean {
    const { allowed } = this.#context.parts.authorizer.authorize(this.#access(verb, place))
    if (!allowed) this.#hidden.add(describe(place))
    return allowed
  }

  #access(verb: string, { group, resource, namespace, name }: ObjectInput) {
    return { user: this.#context.user, verb, group, resource, subresource: '', namespace, name, path: '' }
  }
}

/** One kind for each resource that is more than a measurement: versions of a kind have the same objects. */
export function storedKinds(kinds: readonly Kind[]): Kind[] {
  const objects = kinds.filter(({ measured }) => !measured)
  return [...new Map(objects.reverse().map((kind) => [`${kind.group}/${kind.plural}`, kind])).values()].reverse()
}

const parse = (stored: StoredObject) => JSON.parse(stored.bytes.toString()) as KubeObject

function describe({ resource, namespace, name }: ObjectInput): string {
  const where = namespace === '' ? name : name === '' ? `in ${namespace}` : `${namespace}/${name}`
  return `${resource} ${where}`.trim()
}
