import { type Condition, withCondition } from '../condition.js'
import type { CustomResourceDefinition, DefinedNames } from '../kinds/custom-resource-definition.js'

type Status = NonNullable<CustomResourceDefinition['status']>

/** The names that another kind of the same group has. */
export type TakenNames = Pick<DefinedNames, 'plural' | 'singular' | 'kind' | 'listKind' | 'shortNames'>

/**
 * The status of a definition beside others of its group: the names that it may have, and whether it is served. A name that somebody else
 * has is not accepted, and the one that was accepted before stays. Once established, a definition stays so.
 */
export function acceptNames(definition: CustomResourceDefinition, others: readonly TakenNames[], nowMs: number): Status {
  const asked = withDefaults(definition.spec.names)
  const before = definition.status?.acceptedNames
  const words = new Set(others.flatMap(({ plural, singular, shortNames = [] }) => [plural, singular ?? '', ...shortNames]))
  const kinds = new Set(others.flatMap(({ kind, listKind }) => [kind, listKind ?? '']))
  const clashes: Clash[] = []
  const judge = (taken: ReadonlySet<string>, reason: Clash['reason'], name: string, kept: string | undefined) => {
    if (!taken.has(name)) return name
    clashes.push({ reason, name })
    return kept ?? ''
  }
  const accepted: DefinedNames = {
    plural: judge(words, 'PluralConflict', asked.plural, before?.plural),
    singular: judge(words, 'SingularConflict', asked.singular, before?.singular),
    kind: judge(kinds, 'KindConflict', asked.kind, before?.kind),
    listKind: judge(kinds, 'ListKindConflict', asked.listKind, before?.listKind),
    ...acceptShortNames(words, asked.shortNames, before?.shortNames, clashes),
    ...(asked.categories ? { categories: asked.categories } : {}),
  }
  return withConditions({ ...definition.status, acceptedNames: accepted }, clashes, nowMs)
}

type ClashReason = 'PluralConflict' | 'SingularConflict' | 'KindConflict' | 'ListKindConflict' | 'ShortNamesConflict'

interface Clash {
  readonly reason: ClashReason
  readonly name: string
}

/** The names with those that were left out. */
export function withDefaults(names: DefinedNames): DefinedNames & { singular: string; listKind: string } {
  return { ...names, singular: names.singular || names.kind.toLowerCase(), listKind: names.listKind || `${names.kind}List` }
}

function acceptShortNames(
  taken: ReadonlySet<string>,
  asked: readonly string[] | undefined,
  before: readonly string[] | undefined,
  clashes: Clash[],
): { shortNames?: string[] } {
  const wrong = (asked ?? []).filter((name) => taken.has(name))
  for (const name of wrong) clashes.push({ reason: 'ShortNamesConflict', name })
  const names = wrong.length > 0 ? before : asked
  return names && names.length > 0 ? { shortNames: [...names] } : {}
}

function withConditions(status: Status, clashes: readonly Clash[], nowMs: number): Status {
  const [first] = clashes
  const wasEstablished = status.conditions?.some(({ type, status: state }) => type === 'Established' && state === 'True') ?? false
  const named: Pick<Condition, 'type' | 'status' | 'reason' | 'message'> = first
    ? {
        type: 'NamesAccepted',
        status: 'False',
        reason: first.reason,
        message: clashes.map(({ name }) => `"${name}" is already in use`).join(', '),
      }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' }
  const established: typeof named =
    first && !wasEstablished
      ? { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' }
      : { type: 'Established', status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' }
  const conditions = [named, established].reduce((all, condition) => withCondition(all, condition, nowMs), status.conditions ?? [])
  return { ...status, conditions }
}
