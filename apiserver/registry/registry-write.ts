import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { Event } from '../../lib/api/kinds/event.js'
import type { ObjectKey } from '../../lib/api/object-key.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Admit } from '../admission/admit.js'
import { actorOf } from '../auth/user.js'
import { assertUnclaimed } from '../storage/claims.js'
import type { Decide, Decision, ReadView, Store, StoredObject, WriteResult } from '../storage/store.js'
import type { GpuAssignment } from './gpu-assignment.js'
import type { KindSet } from './kind-set.js'
import { spliceRevision } from './object-bytes.js'
import type { RequestContext } from './registry.js'
import type { ResourceRules } from './resource-rules.js'
import type { BudgetFinder } from './spend-budget.js'
import type { WriteAllowance } from './write-allowance.js'

/** What every operation of the registry works with. */
export interface RegistryParts {
  readonly store: Store
  readonly clock: Clock
  readonly admission: readonly Admit[]
  readonly allowance: WriteAllowance
  readonly gpus: GpuAssignment
  readonly budgets: BudgetFinder
  /** Numbers in [0, 1), for generated names. */
  readonly random: () => number
  newUid(): string
  /** Which kinds there are now. */
  readonly kinds: KindSet
  rulesOf(kind: Kind): ResourceRules
  /** What must be done before a new object is decided on, and cannot be done synchronously. Not called for dry runs. */
  readonly preparations: Readonly<Record<string, Preparation>>
}

/** Completes a valid new object asynchronously: signing a certificate. Gets a private object, returns the one to store. */
export type Preparation = (object: KubeObject, context: RequestContext) => Promise<KubeObject>

/** Has the store decide in its turn; a dry run decides at once, on the present state, and nothing is stored. */
export async function write(parts: RegistryParts, key: ObjectKey, decide: Decide, context: RequestContext): Promise<WriteResult> {
  if (!context.dryRun) return writeOnAccount(parts, key, decide, context)
  const current = parts.store.get(key)
  const view = presentView(parts.store)
  const decision = decide(current, view)
  if (decision.type === 'put') assertUnclaimed(key, decision.draft.facets.claims, view)
  return imagine(key, current, decision)
}

async function writeOnAccount(
  { store, allowance }: RegistryParts,
  key: ObjectKey,
  decide: Decide,
  context: RequestContext,
): Promise<WriteResult> {
  const account = allowance.accountOf(context.user)
  account?.admit(key.resource === Event.plural && key.group === Event.group)
  const result = await store.write(key, decide, { actor: actorOf(context.user), requestId: context.requestId })
  if (result.object && result.outcome !== 'unchanged') account?.charge(result.object.bytes.length)
  return result
}

function imagine(key: ObjectKey, current: StoredObject | undefined, decision: Decision): WriteResult {
  if (decision.type === 'unchanged') return { outcome: 'unchanged', object: current }
  const { draft } = decision
  const revision = current?.revision ?? 0
  const object: StoredObject = {
    key,
    revision,
    createRevision: current?.createRevision ?? 0,
    uid: draft.uid,
    bytes: current ? spliceRevision(draft, revision) : draft.bytes,
    facets: draft.facets,
  }
  if (decision.type === 'delete') return { outcome: 'deleted', object }
  return { outcome: current ? 'updated' : 'created', object }
}

function presentView(store: Store): ReadView {
  return {
    get: (key) => store.get(key),
    scan: (group, resource, namespace) => store.list({ group, resource, ...(namespace === undefined ? {} : { namespace }) }).objects,
    ownedBy: (uid) => store.ownedBy(uid),
    holdersOf: (group, resource, claim) => store.holdersOf(group, resource, claim),
  }
}
