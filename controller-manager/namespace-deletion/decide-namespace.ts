import { type Condition, withCondition } from '../../lib/api/condition.js'

/** What is left of one kind in a namespace after everything was asked to go. */
export interface Remaining {
  /** `tasks.millrace.dev`. */
  readonly resource: string
  readonly count: number
  /** How many of them each finalizer holds. */
  readonly finalizers: Readonly<Record<string, number>>
}

/** What could not be listed or deleted, in words. */
export type Failure = string

/** The conditions of a namespace that is being deleted, for people who wonder why it is still there. */
export function deletionConditions(
  before: readonly Condition[] | undefined,
  remaining: readonly Remaining[],
  failures: readonly Failure[],
  nowMs: number,
): Condition[] {
  const left = remaining.filter(({ count }) => count > 0)
  const held = new Map<string, number>()
  for (const { finalizers } of left) for (const [name, count] of Object.entries(finalizers)) held.set(name, (held.get(name) ?? 0) + count)
  const contents = left.map(({ resource, count }) => `${resource} has ${count}`).join(', ')
  const holders = [...held].map(([name, count]) => `${name} in ${count}`).join(', ')
  return [
    failures.length > 0
      ? say('NamespaceDeletionContentFailure', true, 'ContentDeletionFailed', failures.join('; '))
      : say('NamespaceDeletionContentFailure', false, 'ContentDeleted', 'all content was asked to go'),
    left.length > 0
      ? say('NamespaceContentRemaining', true, 'SomeResourcesRemain', `some resources remain: ${contents}`)
      : say('NamespaceContentRemaining', false, 'ContentRemoved', 'all content is gone'),
    held.size > 0
      ? say('NamespaceFinalizersRemaining', true, 'SomeFinalizersRemain', `some content is held by finalizers: ${holders}`)
      : say('NamespaceFinalizersRemaining', false, 'ContentHasNoFinalizers', 'no finalizers hold content'),
  ].reduce((conditions, condition) => withCondition(conditions, condition, nowMs), [...(before ?? [])])
}

function say(type: string, holds: boolean, reason: string, message: string) {
  return { type, status: holds ? 'True' : 'False', reason, message } as const
}
