import type { Kind } from '../../api/define-kind.js'
import { queryString, resourcePath } from '../resource-path.js'

/** What is watched: the objects of a kind, perhaps of one namespace, perhaps of a selection. */
export interface WatchSource {
  readonly kind: Kind
  readonly namespace?: string | undefined
  readonly labelSelector?: string | undefined
  readonly fieldSelector?: string | undefined
}

/** Where a stream begins: with all objects as they are, or after a revision. */
export type WatchStart = 'initial' | { readonly resourceVersion: string }

/** The path of the stream. Several sources share one stream, since revisions count for the whole cluster. */
export function watchPath(sources: readonly WatchSource[], start: WatchStart): string {
  const from =
    start === 'initial' ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : { resourceVersion: start.resourceVersion }
  const [only] = sources
  if (sources.length === 1 && only) {
    const { labelSelector, fieldSelector } = only
    const query = queryString({ watch: true, allowWatchBookmarks: true, labelSelector, fieldSelector, ...from })
    return resourcePath(only.kind, { namespace: only.namespace }) + query
  }
  const resources = sources.map((source) => `resources=${encodeURIComponent(describeSource(source))}`).join('&')
  return `/apis/millrace.dev/v1/watch?${resources}&${queryString({ allowWatchBookmarks: true, ...from }).slice(1)}`
}

/** The path of a plain list of one source, page by page. */
export function listPath(source: WatchSource, limit: number, continueToken: string | undefined): string {
  const { labelSelector, fieldSelector } = source
  return (
    resourcePath(source.kind, { namespace: source.namespace }) +
    queryString({ labelSelector, fieldSelector, limit, continue: continueToken })
  )
}

/** `millrace.dev/v1/tasks;fieldSelector=spec.nodeName=n1`. */
function describeSource({ kind, namespace, labelSelector, fieldSelector }: WatchSource): string {
  const options = Object.entries({ namespace, fieldSelector, labelSelector }).flatMap(([name, value]) =>
    value ? [`;${name}=${value}`] : [],
  )
  return `${kind.apiVersion}/${kind.plural}${options.join('')}`
}

/** Tells the objects of one stream apart. */
export function kindOf(object: { apiVersion?: unknown; kind?: unknown }): string {
  return `${String(object.apiVersion)} ${String(object.kind)}`
}
