/**
 * The typed client: `client.of(Task).get('default', 'hello')`. Every failure is an ApiError, or a ConnectionError when no answer came (the
 * outcome of a write is then unknown, and it is never retried behind the caller's back).
 */

import type { Kind, Manifest, Resource } from '../api/define-kind.js'
import type { ChannelLink } from '../stream/channel-link.js'

export interface ListOptions {
  readonly namespace?: string
  readonly labelSelector?: string
  readonly fieldSelector?: string
  readonly limit?: number
  readonly continue?: string
  readonly resourceVersion?: string
  readonly signal?: AbortSignal
}

export interface ObjectList<T> {
  readonly items: T[]
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string; readonly remainingItemCount?: number }
}

export interface WriteOptions {
  readonly dryRun?: boolean
  readonly fieldManager?: string
  readonly fieldValidation?: 'Strict' | 'Warn' | 'Ignore'
  readonly signal?: AbortSignal
}

/** The parts of an object that a manager applies: any of its fields, and its name. */
export type ApplyConfiguration<K extends Kind> = DeepPartial<Omit<Manifest<K>, 'metadata'>> & {
  metadata: Manifest<K>['metadata'] & { name: string }
}

type DeepPartial<T> = T extends readonly (infer Item)[] ? Item[] : T extends object ? { [Key in keyof T]?: DeepPartial<T[Key]> } : T

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string
  /** Take fields that other managers have otherwise. Default false. */
  readonly force?: boolean
  readonly subresource?: 'status'
}

export interface DeleteOptions {
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan'
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string }
  readonly gracePeriodSeconds?: number
  readonly dryRun?: boolean
  readonly signal?: AbortSignal
}

/** Where an object of the kind is: cluster-scoped kinds leave the namespace out. */
export interface ObjectName {
  readonly namespace?: string | undefined
  readonly name: string
}

export interface KindClient<K extends Kind> {
  get(at: ObjectName, options?: { signal?: AbortSignal }): Promise<Resource<K>>
  list(options?: ListOptions): Promise<ObjectList<Resource<K>>>
  create(object: Manifest<K>, options?: WriteOptions): Promise<Resource<K>>
  update(object: Resource<K>, options?: WriteOptions & { subresource?: 'status' | 'approval' | 'finalize' }): Promise<Resource<K>>
  /** JSON merge patch (RFC 7386). With metadata.resourceVersion in the patch, a conflict is an error. */
  mergePatch(at: ObjectName, patch: object, options?: WriteOptions & { subresource?: 'status' }): Promise<Resource<K>>
  /**
   * Server-side apply: makes the object have these fields, creates it when it is absent, and removes what `fieldManager` applied before and
   * does not apply now. A Conflict names who else manages a field that would change; `force` takes it.
   */
  apply(configuration: ApplyConfiguration<K>, options: ApplyOptions): Promise<Resource<K>>
  /** JSON patch (RFC 6902). */
  jsonPatch(at: ObjectName, patch: readonly object[], options?: WriteOptions & { subresource?: 'status' }): Promise<Resource<K>>
  /** The object with its deletionTimestamp, or undefined when it is gone. */
  delete(at: ObjectName, options?: DeleteOptions): Promise<Resource<K> | undefined>
}

export interface RawRequest {
  readonly method: string
  /** Path and query: `/api/v1/nodes?limit=5`. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Instead of the client's own deadline. */
  readonly timeoutMs?: number
}

export interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The whole body. */
  text(): Promise<string>
  /** The body as it arrives; for logs. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface Client {
  /** As https://127.0.0.1:6443. */
  readonly server: string
  of<K extends Kind>(kind: K): KindClient<K>
  /** Any request; rejects with ApiError for every answer that is not 2xx. */
  raw(request: RawRequest): Promise<RawResponse>
  /** Binds workloads in one request; see the bulk binding in docs. */
  bind(
    kind: Kind,
    bindings: readonly { namespace: string; name: string; nodeName: string; uid?: string }[],
    signal?: AbortSignal,
  ): Promise<readonly { namespace: string; name: string; error?: { reason: string; message: string; code: number } }[]>
  /**
   * Channels over a WebSocket: exec, attach, port-forward. Rejects with
   * ApiError where the server refuses. The caller ends or destroys them.
   */
  channels(path: string, signal?: AbortSignal): Promise<ChannelLink>
  /** One server-sent event stream, until it ends; it is not opened again. Informers are built on it and know how to go on. */
  stream(path: string, receiver: StreamReceiver): EventStream
  close(): Promise<void>
}

/** What a stream calls. Calls never overlap; `end` is the last one, and comes once unless the stream was closed. */
export interface StreamReceiver {
  /** The server has accepted the request. */
  open?(): void
  /** `id` is empty where the event carries none. */
  event(type: string, data: string, id: string): void
  /** The reason is undefined when the server ended the stream in order. */
  end(reason: Error | undefined): void
}

export interface EventStream {
  /** Ends the stream; nothing is called after it. */
  close(): void
}

/** No answer came: the server is not there, or the connection broke. The outcome of a write is unknown. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
}
