import type { Kind, ObjectVerb, Subresource } from '../../../lib/api/define-kind.js'
import { subresourceShapes } from '../discovery/api-groups.js'

type Reference = { readonly $ref: string }

/** The paths of a kind with their operations. */
export function pathsOf(kind: Kind, object: Reference, list: Reference): Record<string, object> {
  const base = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`
  const namespaced = kind.scope === 'Namespaced'
  const collection = namespaced ? `${base}/namespaces/{namespace}/${kind.plural}` : `${base}/${kind.plural}`
  const place = namespaced ? [inPath('namespace', 'The namespace.')] : []
  const named = [inPath('name', 'The name of the object.'), ...place]
  const operation = operations(kind, object)
  const may = (verb: ObjectVerb) => kind.verbs.includes(verb)
  const listing = may('list')
    ? { get: operation('list', { answer: list, parameters: may('watch') ? [...listParameters, ...watchParameters] : listParameters }) }
    : {}
  return {
    ...(namespaced && may('list') ? { [`${base}/${kind.plural}`]: listing } : {}),
    [collection]: {
      parameters: place,
      ...listing,
      ...(may('create') ? { post: operation('post', { body: objectBody(object), parameters: writeParameters }) } : {}),
      ...(may('deletecollection')
        ? {
            delete: operation('deletecollection', {
              body: deleteBody,
              parameters: [...listParameters, ...watchParameters, ...deleteParameters],
            }),
          }
        : {}),
    },
    [`${collection}/{name}`]: {
      parameters: named,
      ...objectOperations(operation, object, may),
      ...(may('delete') ? { delete: operation('delete', { body: deleteBody, parameters: deleteParameters }) } : {}),
    },
    ...Object.fromEntries(
      kind.subresources.map((part) => [
        `${collection}/{name}/${part}`,
        { parameters: named, ...partOperations(part, operations({ ...kind, ...subresourceShapes[part].kind }, object), object) },
      ]),
    ),
  }
}

/** What can be done with a part of the object. A body of another kind is described by that kind's name alone. */
function partOperations(part: Subresource, operation: ReturnType<typeof operations>, object: Reference) {
  const { verbs, kind } = subresourceShapes[part]
  const body = kind ? { required: true, content: { 'application/json': { schema: { type: 'object' } } } } : objectBody(object)
  const creation = streams.has(part) ? { parameters: [] } : { body, parameters: writeParameters }
  return {
    ...objectOperations(operation, object, (verb) => verbs.includes(verb)),
    ...(verbs.includes('create') ? { post: operation('post', creation) } : {}),
  }
}

/** What is created here is a stream: it has no body. */
const streams: ReadonlySet<Subresource> = new Set<Subresource>(['exec', 'attach', 'portforward', 'console'])

function objectOperations(operation: ReturnType<typeof operations>, object: Reference, may: (verb: ObjectVerb) => boolean) {
  return {
    ...(may('get') ? { get: operation('get', { parameters: may('update') || may('list') ? [resourceVersion] : [] }) } : {}),
    ...(may('update') ? { put: operation('put', { body: objectBody(object), parameters: writeParameters }) } : {}),
    ...(may('patch') ? { patch: operation('patch', { body: patchBody, parameters: [...writeParameters, force] }) } : {}),
  }
}

interface Operation {
  readonly answer?: Reference
  readonly body?: object
  readonly parameters: readonly object[]
}

function operations(kind: Kind, object: Reference) {
  return (action: string, { answer = object, body, parameters }: Operation) => ({
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': { group: kind.group, version: kind.version, kind: kind.kind },
    parameters,
    ...(body ? { requestBody: body } : {}),
    responses: { '200': { description: 'OK', content: { 'application/json': { schema: answer } } } },
  })
}

const objectBody = (schema: Reference) => ({ required: true, content: { 'application/json': { schema }, 'application/yaml': { schema } } })
const patchBody = {
  required: true,
  content: {
    'application/merge-patch+json': { schema: { type: 'object' } },
    'application/json-patch+json': { schema: { type: 'array', items: { type: 'object' } } },
    'application/apply-patch+yaml': { schema: { type: 'object' } },
  },
}

const inPath = (name: string, description: string) => ({ name, in: 'path', required: true, description, schema: { type: 'string' } })
const inQuery = (name: string, description: string, type = 'string') => ({ name, in: 'query', description, schema: { type } })

const dryRun = inQuery('dryRun', 'All: everything but the write itself.')
const force = inQuery('force', 'With server-side apply: take fields that other managers have otherwise.', 'boolean')
const writeParameters = [
  dryRun,
  inQuery('fieldManager', 'Who writes.'),
  inQuery('fieldValidation', 'What happens with unknown and duplicate fields: Strict, Warn or Ignore.'),
]
const deleteParameters = [
  dryRun,
  inQuery('gracePeriodSeconds', 'Seconds that the object has to end.', 'integer'),
  inQuery('propagationPolicy', 'What becomes of what it owns: Background, Foreground or Orphan.'),
  inQuery('orphanDependents', 'Orphan or Background, as propagationPolicy says it too.', 'boolean'),
]
const deleteBody = {
  required: false,
  content: { 'application/json': { schema: { type: 'object' } }, 'application/yaml': { schema: { type: 'object' } } },
}
const resourceVersion = inQuery('resourceVersion', 'The revision that is asked for.')
const listParameters = [
  inQuery('labelSelector', 'Selects by labels.'),
  inQuery('fieldSelector', 'Selects by fields.'),
  inQuery('limit', 'The most objects in a page.', 'integer'),
  inQuery('continue', 'Where the page begins.'),
  resourceVersion,
  inQuery('resourceVersionMatch', 'Exact or NotOlderThan.'),
]
const watchParameters = [
  inQuery('watch', 'Stream the changes.', 'boolean'),
  inQuery('allowWatchBookmarks', 'Send BOOKMARK events.', 'boolean'),
  inQuery('sendInitialEvents', 'Begin a watch with the current state.', 'boolean'),
  inQuery('timeoutSeconds', 'How long a watch lasts.', 'integer'),
]
