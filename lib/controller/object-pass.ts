import { isNotFound } from '../api/api-error.js'
import type { Kind, KubeObject, Resource } from '../api/define-kind.js'
import { sameValue } from '../api/json/same-value.js'
import type { Client } from '../client/client.js'
import { commitChanges } from './commit-changes.js'
import type { Controller } from './controller.js'
import { type ContextParts, createContext } from './create-context.js'
import { addFinalizer, hasFinalizer, isBeingDeleted, removeFinalizer } from './finalizer.js'
import { jsonProblem } from './json-problem.js'
import type { Draft, Outcome } from './reconcile-context.js'

export interface PassEnd {
  readonly outcome: Outcome | undefined
  readonly changedStatus: boolean
}

const nothing: PassEnd = { outcome: undefined, changedStatus: false }

/**
 * One pass over an object, as the informer shows it: adds the finalizer where there is something to clean up, lets the author's function
 * work on a private copy, and sends what that changed in the status, also when it threw.
 */
export async function passOver(controller: Controller, parts: ContextParts, seen: KubeObject): Promise<PassEnd> {
  const { finalize, finalizer } = controller
  if (isBeingDeleted(seen)) {
    if (finalize && finalizer && hasFinalizer(seen, finalizer)) return await finish(controller, parts, seen, finalizer)
    return controller.alsoDeleting ? await reconcile(controller, parts, seen) : nothing
  }
  if (!finalizer || hasFinalizer(seen, finalizer)) return await reconcile(controller, parts, seen)
  const claimed = structuredClone(seen)
  addFinalizer(claimed, finalizer)
  return await reconcile(controller, parts, await commit(controller, parts, seen, claimed))
}

async function reconcile(controller: Controller, parts: ContextParts, seen: KubeObject): Promise<PassEnd> {
  const draft = draftOf(seen)
  const { outcome, failure } = await settle(() => controller.reconcile(draft as Draft<Kind>, createContext(parts, draft)))
  const current = await commitStatus(controller, parts, seen, draft).catch(firstOf(failure))
  if (failure !== undefined) throw failure
  return { outcome, changedStatus: current !== seen }
}

/** Lets the object go once the author's `finalize` has nothing left to do. */
async function finish(controller: Controller, parts: ContextParts, seen: KubeObject, finalizer: string): Promise<PassEnd> {
  const draft = draftOf(seen)
  const { outcome, failure } = await settle(() => controller.finalize?.(draft as Draft<Kind>, createContext(parts, draft)))
  const finished = failure === undefined && outcome?.requeueAfter === undefined
  // Nobody reads the status of what is gone; where another finalizer holds the object, somebody may.
  const heldByOthers = (seen.metadata.finalizers?.length ?? 0) > 1
  const current = finished && !heldByOthers ? seen : await commitStatus(controller, parts, seen, draft).catch(firstOf(failure))
  if (failure !== undefined) throw failure
  if (!finished) return { outcome, changedStatus: current !== seen }
  const released = structuredClone(current)
  removeFinalizer(released, finalizer)
  await commit(controller, parts, current, released)
  return nothing
}

/** How the author's function ended. */
async function settle(pass: () => Promise<Outcome | undefined> | undefined): Promise<{ outcome?: Outcome | undefined; failure?: unknown }> {
  try {
    return { outcome: await pass() }
  } catch (failure) {
    return { failure: failure ?? new Error('the pass threw nothing') }
  }
}

/** The author's failure says more than that of sending the status after it. */
const firstOf = (failure: unknown) => (error: unknown) => {
  throw failure ?? error
}

type WithStatus = KubeObject & { status: Record<string, unknown> }

function draftOf(seen: KubeObject): WithStatus & Draft<Kind> {
  const draft = structuredClone(seen)
  draft.status ??= {}
  return draft as WithStatus & Draft<Kind>
}

/** Sends the status when it differs. What else a pass changed in its copy is a mistake of the author, and would be lost. */
async function commitStatus(controller: Controller, parts: ContextParts, seen: KubeObject, draft: WithStatus): Promise<KubeObject> {
  const { status: _before, ...restBefore } = seen
  const { status, ...restAfter } = draft
  if (!sameValue(restBefore, restAfter))
    throw new Error(
      `a pass changes the status of its object, and nothing else: use ctx.commit or ctx.client for the rest of ${controller.for.kind}`,
    )
  if (typeof status !== 'object' || status === null)
    throw new Error(`a pass may change the status of its ${controller.for.kind}, and not take it away`)
  if (seen.status === undefined && Object.keys(status).length === 0) return seen
  const problem = jsonProblem(status, 'status')
  if (problem !== undefined) throw new Error(`a pass left something in its status that cannot be sent: ${problem}`)
  if (controller.for.schema.properties?.status === undefined)
    throw new Error(`${controller.for.kind} declares no status that a pass could write`)
  return await commit(controller, parts, seen, { ...seen, status })
}

/** That the object is gone meanwhile is no failure: there is nothing left to say. */
async function commit(
  { for: kind }: Controller,
  { client, signal }: { client: Client; signal: AbortSignal },
  before: KubeObject,
  after: KubeObject,
) {
  try {
    return (await commitChanges(
      client,
      kind,
      before as unknown as Resource<Kind>,
      after as unknown as Resource<Kind>,
      signal,
    )) as unknown as KubeObject
  } catch (error) {
    if (isNotFound(error)) return after
    throw error
  }
}
