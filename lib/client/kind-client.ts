import type { Kind, Resource } from '../api/define-kind.js'
import type { KindClient, ListOptions, ObjectList, ObjectName, RawRequest, RawResponse, WriteOptions } from './client.js'
import { readAnswer } from './read-answer.js'
import { queryString, type ResourceAddress, resourcePath } from './resource-path.js'

type Send = (request: RawRequest) => Promise<RawResponse>

/** The client of one kind. `defaultNamespace` is where namespaced objects go that name none. */
export function createKindClient<K extends Kind>(kind: K, send: Send, defaultNamespace: string): KindClient<K> {
  const place = (at: ResourceAddress): string => resourcePath(kind, { ...at, namespace: at.namespace || defaultNamespace })

  const ask = async (method: string, path: string, options: { body?: unknown; contentType?: string; signal?: AbortSignal | undefined }) => {
    const response = await send({
      method,
      path,
      ...(options.body === undefined ? {} : { body: options.body }),
      ...(options.contentType === undefined ? {} : { headers: { 'content-type': options.contentType } }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
    return (await readAnswer(response)) as Resource<K>
  }

  const patch = (at: ObjectName, body: object, contentType: string, options: WriteOptions & { subresource?: string }) =>
    ask('PATCH', place({ ...at, subresource: options.subresource }) + writeQuery(options), {
      body,
      contentType,
      signal: options.signal,
    })

  return {
    get: (at, options) => ask('GET', place(at), { signal: options?.signal }),

    async list(options = {}) {
      const path = resourcePath(kind, { namespace: options.namespace }) + listQuery(options)
      const list = (await ask('GET', path, { signal: options.signal })) as unknown as ObjectList<Resource<K>>
      for (const item of list.items) {
        item.apiVersion ??= kind.apiVersion
        item.kind ??= kind.kind
      }
      return list
    },

    create: (object, options = {}) =>
      ask('POST', place({ namespace: object.metadata.namespace }) + writeQuery(options), {
        body: { ...object, apiVersion: kind.apiVersion, kind: kind.kind },
        signal: options.signal,
      }),

    update: (object, options = {}) =>
      ask('PUT', place({ ...object.metadata, subresource: options.subresource }) + writeQuery(options), {
        body: { ...object, apiVersion: kind.apiVersion, kind: kind.kind },
        signal: options.signal,
      }),

    mergePatch: (at, body, options = {}) => patch(at, body, 'application/merge-patch+json', options),

    jsonPatch: (at, body, options = {}) => patch(at, body, 'application/json-patch+json', options),

    apply: (configuration, options) =>
      ask('PATCH', place({ ...configuration.metadata, subresource: options.subresource }) + writeQuery(options), {
        body: { ...configuration, apiVersion: kind.apiVersion, kind: kind.kind },
        contentType: 'application/apply-patch+yaml',
        signal: options.signal,
      }),

    async delete(at, options = {}) {
      const { signal, dryRun, ...rest } = options
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', ...rest, ...(dryRun ? { dryRun: ['All'] } : {}) }
      const answer = await ask('DELETE', place(at), { body, signal })
      return answer.kind === kind.kind && answer.apiVersion === kind.apiVersion ? answer : undefined
    },
  }
}

function listQuery(options: ListOptions): string {
  const { labelSelector, fieldSelector, limit, resourceVersion } = options
  return queryString({ labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion })
}

function writeQuery({ dryRun, fieldManager, fieldValidation, force }: WriteOptions & { readonly force?: boolean }): string {
  return queryString({ dryRun: dryRun ? 'All' : undefined, fieldManager, fieldValidation, force: force ? true : undefined })
}
