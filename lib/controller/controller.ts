/**
 * How to react. A controller brings the objects of a kind to where their spec says they shall be:
 *
 *     const warmPool = controller({
 *       for: WarmPool,
 *       owns: [Task],
 *       async reconcile(pool, ctx) {
 *         for (let slot = 0; slot < pool.spec.size; slot++)
 *           await ctx.apply(Task, { metadata: { name: `${pool.metadata.name}-${slot}` }, spec: … })
 *         ctx.condition('Ready', …)
 *       },
 *     })
 *     await run(warmPool)
 *
 * The rule: a pass works from what is the case now, never from the event that woke it; it may be cut off anywhere and run again. The same
 * object is never in two passes at once, and no pass decides on a copy that is older than what the last one wrote.
 */
import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import type { Draft, Outcome, ReconcileContext } from './reconcile-context.js'
import type { Watch } from './watch.js'
import type { WorkQueueOptions } from './work-queue.js'

/** One right that a controller needs beyond what its declaration says; as in a Role. */
export interface Right {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
  readonly resourceNames?: readonly string[]
}

export interface ControllerDeclaration<K extends Kind> {
  /** A DNS label. It is the field manager, the reporter of Events, the Lease and the label of metrics. Default: the kind in lower case. */
  readonly name?: string
  /** The kind whose objects are reconciled. */
  readonly for: K
  /** Kinds of which `for` objects own some: what happens to these brings their owner back. */
  readonly owns?: readonly Kind[]
  /** Other objects that matter, made by `watch`. */
  readonly watches?: readonly Watch[]
  /** Follows this namespace alone. Default: all. */
  readonly namespace?: string
  /** Reconciles these objects alone, as `tier=front`. */
  readonly labelSelector?: string
  /** Follows these objects alone, as `spec.nodeName=n1`: fields that do not change while an object is to be looked after. */
  readonly fieldSelector?: string
  /** Objects for which this is false are left alone; a pure look, made before each pass. Default: none is. */
  readonly when?: (object: Resource<K>) => boolean
  /** Objects in a pass at once. Default 2. */
  readonly workers?: number
  /** What `ctx.client` is used for beyond the declaration. */
  readonly rights?: readonly Right[]
  /** How retries are spread. Default: for each object 5 ms doubling to 1,000 s, with jitter; all together 10 a second after a first 100. */
  readonly retries?: Pick<WorkQueueOptions, 'backoff' | 'retryRate' | 'random'>
  /** Default GROUP/NAME of `for` and the controller; used only with `finalize`. */
  readonly finalizer?: string
  /** Reconcile objects that are being deleted, too. Default false: what goes is left alone, or is `finalize`'s. */
  readonly alsoDeleting?: boolean
  /**
   * One pass. `object` is a private copy whose status is always there; what the pass changes in it is sent as one guarded patch afterwards.
   * Throwing brings the object back, later with each failure in a row.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a pass that returns nothing is the usual one
  readonly reconcile: (object: Draft<K>, ctx: ReconcileContext<K>) => Promise<Outcome | void>
  /**
   * Cleans up before the object goes: with it, the object gets a finalizer before its first pass, and loses it when `finalize` resolves
   * without `requeueAfter`. It may run again, and after a part of it was done.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: as for reconcile
  readonly finalize?: (object: Draft<K>, ctx: ReconcileContext<K>) => Promise<Outcome | void>
}

/** A declared controller, as data; `run` and `startControllers` work with it. */
export interface Controller extends Omit<ControllerDeclaration<Kind>, 'reconcile' | 'finalize' | 'when'> {
  readonly name: string
  readonly owns: readonly Kind[]
  readonly watches: readonly Watch[]
  readonly workers: number
  readonly rights: readonly Right[]
  readonly when?: (object: KubeObject) => boolean
  /** Set when there is a `finalize`. */
  readonly finalizer?: string
  readonly reconcile: (object: Draft<Kind>, ctx: ReconcileContext<Kind>) => Promise<Outcome | undefined>
  readonly finalize?: (object: Draft<Kind>, ctx: ReconcileContext<Kind>) => Promise<Outcome | undefined>
}

/** Declares a controller. Throws for a name that is no DNS label, and for less than one worker; everything else is for the compiler. */
export function controller<K extends Kind>(declaration: ControllerDeclaration<K>): Controller {
  const { name = declaration.for.singular, finalize, finalizer, ...rest } = declaration
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name))
    throw new Error(`a controller's name is a DNS label, which ${JSON.stringify(name)} is not`)
  const { owns = [], watches = [], workers = 2, rights = [] } = declaration
  if (!Number.isInteger(workers) || workers < 1) throw new Error(`the controller ${name} works with at least one worker, not ${workers}`)
  const declared = {
    ...rest,
    name,
    owns,
    watches,
    workers,
    rights,
    ...(finalize ? { finalize, finalizer: finalizer ?? `${declaration.for.group || 'millrace.dev'}/${name}` } : {}),
  }
  // From here on the kind is known at run time alone.
  return declared as unknown as Controller
}
