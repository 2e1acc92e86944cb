import type { Kind, KubeObject } from '../api/define-kind.js'
import type { Client, KindClient } from '../client/client.js'
import type { WatchedKind } from '../client/informer/informer.js'
import { objectName } from '../client/resource-path.js'

/**
 * Remembers what each key wrote, so that its next pass does not decide on a copy that is older than its own last write, and do it twice.
 * A write to a kind that no informer follows, or to an object outside its selection, is not waited for.
 */
export class OwnWrites {
  readonly #informers: readonly WatchedKind[]
  readonly #byKey = new Map<string, Map<WatchedKind, string>>()

  constructor(informers: readonly WatchedKind[]) {
    this.#informers = informers
  }

  /** A client whose writes are remembered for the key. */
  recordingClient(client: Client, key: string): Client {
    const record = <Written>(written: Written): Written => {
      this.#record(key, written)
      return written
    }
    return {
      ...client,
      of: <K extends Kind>(kind: K): KindClient<K> => {
        const objects = client.of(kind)
        return {
          ...objects,
          create: (...args) => objects.create(...args).then(record),
          update: (...args) => objects.update(...args).then(record),
          mergePatch: (...args) => objects.mergePatch(...args).then(record),
          apply: (...args) => objects.apply(...args).then(record),
          jsonPatch: (...args) => objects.jsonPatch(...args).then(record),
          delete: (...args) => objects.delete(...args).then(record),
        }
      },
    }
  }

  /** Resolves when all that the key wrote has been seen; undefined when it has been already. */
  unseen(key: string, signal: AbortSignal): Promise<unknown> | undefined {
    const writes = this.#byKey.get(key)
    if (!writes) return undefined
    const missing = [...writes].filter(([informer, resourceVersion]) => !informer.hasSeen(resourceVersion))
    if (missing.length > 0) return Promise.all(missing.map(([informer, resourceVersion]) => informer.seen(resourceVersion, signal)))
    this.#byKey.delete(key)
    return undefined
  }

  forget(key: string): void {
    this.#byKey.delete(key)
  }

  #record(key: string, written: unknown): void {
    if (typeof written !== 'object' || written === null) return
    const object = written as KubeObject
    const informer = this.#informers.find(({ kind }) => kind.apiVersion === object.apiVersion && kind.kind === object.kind)
    if (!informer || !object.metadata.resourceVersion || !isFollowed(informer, object)) return
    const writes = this.#byKey.get(key) ?? new Map<WatchedKind, string>()
    const before = writes.get(informer)
    if (before === undefined || BigInt(before) < BigInt(object.metadata.resourceVersion))
      writes.set(informer, object.metadata.resourceVersion)
    this.#byKey.set(key, writes)
  }
}

/** Whether the informer will tell of this write: it has the object, or it follows everything there. */
function isFollowed({ source, lister }: WatchedKind, object: KubeObject): boolean {
  if (lister.get(objectName(object)) !== undefined) return true
  const everywhere = source.namespace === undefined || source.namespace === object.metadata.namespace
  return everywhere && source.labelSelector === undefined && source.fieldSelector === undefined
}
