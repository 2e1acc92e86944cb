import type { Kind, KubeObject } from '../api/define-kind.js'
import type { Client, KindClient, ObjectName } from '../client/client.js'
import { objectName } from '../client/resource-path.js'
import { kindOf } from '../client/watch/watch-source.js'
import type { AnyInformer } from './cache.js'

/** What a key wrote and has not been seen to. */
interface Pending {
  /** The newest revision that was written, for each informer. */
  readonly revisions: Map<AnyInformer, string>
  /** Objects that went at once: their deletion has a revision that the answer does not tell. */
  readonly gone: { readonly informer: AnyInformer; readonly name: string; readonly uid: string }[]
}

/**
 * Remembers what each key wrote, so that its next pass does not decide on a copy that is older than its own last write, and do it twice.
 * A write to a kind that no informer follows, or to an object outside its selection, is not waited for.
 */
export class OwnWrites {
  readonly #informers: readonly AnyInformer[]
  readonly #byKey = new Map<string, Pending>()

  constructor(informers: readonly AnyInformer[]) {
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
          delete: async (at, options) => {
            const left = await objects.delete(at, options)
            if (left === undefined && !options?.dryRun) this.#recordGone(key, kind, at)
            return record(left)
          },
        }
      },
    }
  }

  /** Resolves when all that the key wrote has been seen; undefined when it has been already. Ends with the signal. */
  unseen(key: string, signal: AbortSignal): Promise<unknown> | undefined {
    const pending = this.#byKey.get(key)
    if (!pending) return undefined
    const waits = [
      ...[...pending.revisions]
        .filter(([informer, resourceVersion]) => !informer.hasSeen(resourceVersion))
        .map(([informer, resourceVersion]) => informer.seen(resourceVersion, signal)),
      ...pending.gone.filter(({ informer, name, uid }) => uidIn(informer, name) === uid).map((deletion) => seenGone(deletion, signal)),
    ]
    if (waits.length > 0) return Promise.all(waits)
    this.#byKey.delete(key)
    return undefined
  }

  forget(key: string): void {
    this.#byKey.delete(key)
  }

  #record(key: string, written: unknown): void {
    if (typeof written !== 'object' || written === null) return
    const object = written as KubeObject
    const { resourceVersion } = object.metadata
    if (!resourceVersion) return
    for (const informer of this.#informersOf(object)) {
      if (!isFollowed(informer, object)) continue
      const { revisions } = this.#pendingOf(key)
      const before = revisions.get(informer)
      if (before === undefined || BigInt(before) < BigInt(resourceVersion)) revisions.set(informer, resourceVersion)
    }
  }

  #recordGone(key: string, kind: Kind, at: ObjectName): void {
    const name = objectName({ metadata: at as KubeObject['metadata'] })
    for (const informer of this.#informersOf(kind)) {
      const uid = uidIn(informer, name)
      if (uid !== undefined) this.#pendingOf(key).gone.push({ informer, name, uid })
    }
  }

  #informersOf(object: Pick<KubeObject, 'apiVersion' | 'kind'>): AnyInformer[] {
    return this.#informers.filter(({ kind }) => kindOf(kind) === kindOf(object))
  }

  #pendingOf(key: string): Pending {
    const pending = this.#byKey.get(key) ?? { revisions: new Map(), gone: [] }
    this.#byKey.set(key, pending)
    return pending
  }
}

function uidIn(informer: AnyInformer, name: string): string | undefined {
  return informer.lister.get(name)?.metadata.uid
}

/** Whether the informer will tell of this write: it has the object, or it follows everything there. */
function isFollowed({ source, lister }: AnyInformer, object: KubeObject): boolean {
  if (lister.get(objectName(object)) !== undefined) return true
  const everywhere = source.namespace === undefined || source.namespace === object.metadata.namespace
  return everywhere && source.labelSelector === undefined && source.fieldSelector === undefined
}

function seenGone({ informer, uid }: Pending['gone'][number], signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      unsubscribe()
      signal.removeEventListener('abort', end)
      resolve()
    }
    const unsubscribe = informer.subscribe({
      delete: (object) => {
        if (object.metadata.uid === uid) end()
      },
    })
    signal.addEventListener('abort', end, { once: true })
  })
}
