import { type ErrorSubject, notFound } from '../../lib/api/api-error.js'
import type { Condition } from '../../lib/api/condition.js'
import type { Kind } from '../../lib/api/define-kind.js'
import type { TaskStatus } from '../../lib/api/kinds/task.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import type { Store } from '../storage/store.js'

/** What streams need to know of a Task or a Vps. */
export interface StreamedWorkload {
  readonly kind: string
  readonly metadata: Pick<ObjectMeta, 'name' | 'uid'>
  readonly spec: { readonly nodeName?: string | undefined; readonly backend?: string | undefined }
  readonly status?:
    | (Pick<TaskStatus, 'attempt' | 'startedAt' | 'finishedAt' | 'restarts'> & {
        readonly phase?: string | undefined
        readonly conditions?: readonly Condition[] | undefined
      })
    | undefined
}

interface Address {
  readonly kind: Pick<Kind, 'group' | 'plural'>
  readonly namespace: string
  readonly name: string
}

/** Throws NotFound. */
export function findWorkload(store: Pick<Store, 'get'>, { kind, namespace, name }: Address): StreamedWorkload {
  const key = { group: kind.group, resource: kind.plural, namespace, name }
  const stored = store.get(key)
  if (!stored) throw notFound(key)
  return JSON.parse(stored.bytes.toString()) as StreamedWorkload
}

export const subjectOf = ({ kind, name }: Address): ErrorSubject => ({ group: kind.group, resource: kind.plural, name })

/** What an agent is asked about it: `/exec/NAMESPACE/NAME?kind=Vps&uid=…`. */
export function agentPath(route: string, { namespace, name }: Address, query: URLSearchParams): string {
  return `/${route}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?${query}`
}
