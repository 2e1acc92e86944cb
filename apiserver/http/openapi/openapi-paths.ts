import type { Kind, ObjectVerb } from '../../../lib/api/define-kind.js'

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
  const part = (name: string) => kind.subresources.some((subresource) => subresource === name)
  const listing = may('list') ? { get: operation('list', { answer: list, parameters: listParameters }) } : {}
  return {
    ...(namespaced && may('list') ? { [`${base}/${kind.plural}`]: listing } : {}),
    [collection]: {
      parameters: place,
      ...listing,
      ...(may('create') ? { post: operation('post', { body: objectBody(object), parameters: writeParameters }) } : {}),
      ...(may('deletecollection') ? { delete: operation('deletecollection', { parameters: [...listParameters, dryRun] }) } : {}),
    },
    [`${collection}/{name}`]: {
      parameters: named,
      ...objectOperations(operation, object, may),
      ...(may('delete') ? { delete: operation('delete', { parameters: [dryRun] }) } : {}),
    },
    ...(part('status')
      ? { [`${collection}/{name}/status`]: { parameters: named, ...objectOperations(operation, object, () => true) } }
      : {}),
  }
}

function objectOperations(operation: ReturnType<typeof operations>, object: Reference, may: (verb: ObjectVerb) => boolean) {
  return {
    ...(may('get') ? { get: operation('get', { parameters: [] }) } : {}),
    ...(may('update') ? { put: operation('put', { body: objectBody(object), parameters: writeParameters }) } : {}),
    ...(may('patch') ? { patch: operation('patch', { body: patchBody, parameters: writeParameters }) } : {}),
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
  },
}

const inPath = (name: string, description: string) => ({ name, in: 'path', required: true, description, schema: { type: 'string' } })
const inQuery = (name: string, description: string, type = 'string') => ({ name, in: 'query', description, schema: { type } })

const dryRun = inQuery('dryRun', 'All: everything but the write itself.')
const writeParameters = [
  dryRun,
  inQuery('fieldManager', 'Who writes.'),
  inQuery('fieldValidation', 'What happens with unknown and duplicate fields: Strict, Warn or Ignore.'),
]
const listParameters = [
  inQuery('labelSelector', 'Selects by labels.'),
  inQuery('fieldSelector', 'Selects by fields.'),
  inQuery('limit', 'The most objects in a page.', 'integer'),
  inQuery('continue', 'Where the page begins.'),
  inQuery('resourceVersion', 'The revision that is asked for.'),
  inQuery('resourceVersionMatch', 'Exact or NotOlderThan.'),
  inQuery('watch', 'Stream the changes.', 'boolean'),
  inQuery('allowWatchBookmarks', 'Send BOOKMARK events.', 'boolean'),
  inQuery('sendInitialEvents', 'Begin a watch with the current state.', 'boolean'),
  inQuery('timeoutSeconds', 'How long a watch lasts.', 'integer'),
]
