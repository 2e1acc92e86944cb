/** Requests about objects of any kind, built-in or custom, by what discovery says of it. */
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Client } from '../../lib/client/client.js'
import { readAnswer } from '../../lib/client/read-answer.js'
import { queryString, resourcePath } from '../../lib/client/resource-path.js'
import type { ApiResource } from './api-resource.js'

/** Where an object is; cluster-scoped kinds ignore the namespace. */
export interface At {
  readonly namespace?: string | undefined
  readonly name: string
}

export interface WriteFlags {
  readonly dryRun?: boolean | undefined
  readonly fieldManager: string
  readonly subresource?: string | undefined
  /** For apply: take fields that other managers have otherwise. */
  readonly force?: boolean
}

export interface ListFlags {
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

export type PatchType = 'merge' | 'json' | 'strategic' | 'apply'

const patchTypes: Record<PatchType, string> = {
  merge: 'application/merge-patch+json',
  json: 'application/json-patch+json',
  /** For Kubernetes' own kinds alone. */
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

export async function getObject(client: Client, resource: ApiResource, at: At, subresource?: string): Promise<KubeObject> {
  return await decoded(client, 'GET', resourcePath(resource, { ...at, subresource }))
}

/** Everything that matches, in pages of 500. */
export async function listObjects(
  client: Client,
  resource: ApiResource,
  flags: ListFlags,
): Promise<{ items: KubeObject[]; resourceVersion: string }> {
  const items: KubeObject[] = []
  for (let next: string | undefined = ''; ; ) {
    const query = queryString({
      labelSelector: flags.labelSelector,
      fieldSelector: flags.fieldSelector,
      limit: 500,
      continue: next || undefined,
    })
    const page: ObjectList = await decoded(client, 'GET', `${resourcePath(resource, { namespace: flags.namespace })}${query}`)
    // Items of a list may leave out what the list says for all of them.
    for (const item of page.items ?? [])
      items.push({ ...item, apiVersion: item.apiVersion ?? page.apiVersion, kind: item.kind ?? resource.kind })
    next = page.metadata?.continue
    if (!next) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' }
  }
}

interface ObjectList {
  apiVersion: string
  items?: KubeObject[]
  metadata?: { continue?: string; resourceVersion?: string }
}

export async function createObject(
  client: Client,
  resource: ApiResource,
  namespace: string | undefined,
  body: object,
  flags: WriteFlags,
): Promise<KubeObject> {
  return await decoded(client, 'POST', `${resourcePath(resource, { namespace })}${writeQuery(flags)}`, body)
}

export async function patchObject(
  client: Client,
  resource: ApiResource,
  at: At,
  type: PatchType,
  patch: unknown,
  flags: WriteFlags,
): Promise<KubeObject> {
  const path = `${resourcePath(resource, { ...at, subresource: flags.subresource })}${writeQuery(flags)}`
  return await decoded(client, 'PATCH', path, patch, { 'content-type': patchTypes[type] })
}

export interface DeleteFlags {
  readonly cascade: 'background' | 'foreground' | 'orphan'
  readonly gracePeriodSeconds?: number | undefined
  readonly dryRun?: boolean | undefined
}

const propagation = { background: 'Background', foreground: 'Foreground', orphan: 'Orphan' } as const

/** Asks for the deletion; answers with the object's uid where the server tells it. */
export async function deleteObject(client: Client, resource: ApiResource, at: At, flags: DeleteFlags): Promise<string | undefined> {
  const body = {
    apiVersion: 'v1',
    kind: 'DeleteOptions',
    propagationPolicy: propagation[flags.cascade],
    ...(flags.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: flags.gracePeriodSeconds }),
    ...(flags.dryRun ? { dryRun: ['All'] } : {}),
  }
  const answer: { details?: { uid?: string }; metadata?: { uid?: string } } = await decoded(
    client,
    'DELETE',
    resourcePath(resource, at),
    body,
  )
  return answer.metadata?.uid ?? answer.details?.uid
}

/** Whether a workload may be evicted now, without evicting it. Throws the refusal. */
export async function askEviction(client: Client, resource: ApiResource, { namespace, name }: At): Promise<void> {
  const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace }, deleteOptions: { dryRun: ['All'] } }
  await decoded(client, 'POST', resourcePath(resource, { namespace, name, subresource: 'eviction' }), body)
}

function writeQuery(flags: WriteFlags): string {
  return queryString({
    fieldManager: flags.fieldManager,
    fieldValidation: 'Strict',
    dryRun: flags.dryRun ? 'All' : undefined,
    force: flags.force ? true : undefined,
  })
}

async function decoded<T>(client: Client, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const response = await client.raw({ method, path, headers, ...(body === undefined ? {} : { body }) })
  return (await readAnswer(response)) as T
}
