import { isNotFound } from '../api/api-error.js'
import { type Condition, withCondition } from '../api/condition.js'
import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/log.js'
import type { Client } from '../client/client.js'
import type { EventRecorder } from '../client/events/event-recorder.js'
import { objectName } from '../client/resource-path.js'
import { kindOf } from '../client/watch/watch-source.js'
import { applyOwned } from './apply-owned.js'
import type { InformerCache } from './cache.js'
import { commitChanges } from './commit-changes.js'
import type { Draft, ReconcileContext } from './reconcile-context.js'

export interface ContextParts {
  /** What is reconciled. */
  readonly kind: Kind
  /** Remembers what is written for the object's key. */
  readonly client: Client
  readonly cache: InformerCache
  /** The controller's name. */
  readonly manager: string
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  readonly signal: AbortSignal
}

/** What one pass over `draft` works with. */
export function createContext(
  { kind, client, cache, manager, clock, log, events, signal }: ContextParts,
  draft: Draft<Kind>,
): ReconcileContext<Kind> {
  const object = draft as unknown as KubeObject & { status: { conditions?: Condition[] } }
  const applied = new Set<string>()
  const ctx: ReconcileContext<Kind> = {
    client,
    clock,
    log,
    signal,
    async apply(other, configuration) {
      const { object: result, adopted } = await applyOwned({ client, cache, manager, signal }, other, configuration, object)
      if (adopted)
        ctx.event('Normal', 'Adopted', `took over ${other.kind} ${configuration.metadata.name}, which was there and had no controller`)
      applied.add(appliedName(result as unknown as KubeObject))
      return result
    },
    owned: (kind) => cache.ownedBy(kind, object.metadata),
    async prune(kind) {
      const superfluous = ctx
        .owned(kind)
        .filter(
          (owned) =>
            !applied.has(appliedName(owned as unknown as KubeObject)) && !(owned as unknown as KubeObject).metadata.deletionTimestamp,
        )
      for (const one of superfluous) await ctx.delete(kind, one)
      return superfluous
    },
    async delete(kind, one) {
      const { namespace, name, uid } = (one as unknown as KubeObject).metadata
      try {
        await client.of(kind).delete({ namespace, name }, { preconditions: { uid }, propagationPolicy: 'Background', signal })
      } catch (error) {
        if (!isNotFound(error)) throw error
      }
    },
    async get<Other extends Kind>(kind: Other, at: { namespace?: string | undefined; name: string }) {
      if (cache.has(kind)) return cache.get(kind, at)
      try {
        return (await client.of(kind).get(at, { signal })) as Resource<Other>
      } catch (error) {
        if (isNotFound(error)) return undefined
        throw error
      }
    },
    list: (kind, namespace) => cache.list(kind, namespace),
    commit: (kind, before, after) => commitChanges(client, kind, before, after, signal),
    condition(type, status, reason, message = '') {
      if (!(kind.conditions as readonly string[]).includes(type))
        throw new Error(`${kind.kind} declares no condition ${JSON.stringify(type)}, only: ${kind.conditions.join(', ') || 'none'}`)
      if (!reasonForm.test(reason))
        throw new Error(`the reason of a condition is one CamelCase word, which ${JSON.stringify(reason)} is not`)
      const next = {
        type,
        status: status === true ? 'True' : status === false ? 'False' : 'Unknown',
        reason,
        message,
        observedGeneration: object.metadata.generation,
      } as const
      object.status.conditions = withCondition(object.status.conditions, next, clock.now())
    },
    event: (type, reason, message, about = object) => events.record(about, type, reason, message),
  }
  return ctx
}

/** Kubernetes' form. */
const reasonForm = /^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$/

const appliedName = (object: KubeObject) => `${kindOf(object)} ${objectName(object)}`
