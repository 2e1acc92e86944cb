import { forbiddenField } from '../../../lib/api/api-error.js'
import { findCondition, isConditionTrue, withCondition } from '../../../lib/api/condition.js'
import { acceptNames, type TakenNames, withDefaults } from '../../../lib/api/custom-kinds/accept-names.js'
import { CustomResourceDefinition, instanceCleanupFinalizer } from '../../../lib/api/kinds/custom-resource-definition.js'
import { builtinKinds } from '../../../lib/api/kinds/index.js'
import type { ReadView, StoredObject } from '../../storage/store.js'
import type { Strategy } from './strategy.js'

/** Where the names stand among the facets, so that they are compared without reading schemas. */
const namesFacet = 'status.acceptedNames'

interface NamesFacet {
  readonly group?: string
  readonly names?: TakenNames
  readonly waiting?: boolean
}

const terminating = {
  type: 'Terminating',
  status: 'True',
  reason: 'InstanceDeletionInProgress',
  message: 'its objects are being deleted',
} as const

/** Whether a stored definition asks for a name that another one has. */
export function waitsForNames({ facets }: StoredObject): boolean {
  return namesOf(facets).waiting === true
}

const namesOf = ({ fields }: StoredObject['facets']) => JSON.parse(fields[namesFacet] ?? '{}') as NamesFacet

/**
 * A definition is accepted or not in the turn in which it is written, against all others: as soon as a client has the answer, the kind is
 * served. Its deletion waits until the controllers have removed its objects.
 */
export const customResourceDefinitionStrategy: Strategy = {
  prepareCreate(object) {
    object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), instanceCleanupFinalizer])]
  },

  settle(object, view, nowMs) {
    const definition = object as unknown as CustomResourceDefinition
    definition.spec.names = withDefaults(definition.spec.names)
    const storage = definition.spec.versions.find((version) => version.storage)?.name
    const stored = definition.status?.storedVersions ?? []
    const storedVersions = storage === undefined || stored.includes(storage) ? stored : [...stored, storage]
    const accepted = acceptNames(definition, takenNames(definition, view), nowMs)
    const { deletionTimestamp } = definition.metadata
    const conditions =
      deletionTimestamp && !findCondition(definition, 'Terminating')
        ? withCondition(accepted.conditions, terminating, nowMs)
        : accepted.conditions
    definition.status = { ...accepted, ...(conditions ? { conditions } : {}), storedVersions }
  },

  validate(object) {
    const { group } = (object as unknown as CustomResourceDefinition).spec
    return builtinKinds.some((kind) => kind.group === group)
      ? [forbiddenField('spec.group', `the group ${group} holds built-in kinds`)]
      : []
  },

  fields(object) {
    const definition = object as unknown as CustomResourceDefinition
    const names = definition.status?.acceptedNames
    const waiting = !isConditionTrue(definition, 'NamesAccepted')
    const facet: NamesFacet = { group: definition.spec.group, ...(names ? { names } : {}), waiting }
    return { [namesFacet]: JSON.stringify(facet) }
  },
}

function takenNames(definition: CustomResourceDefinition, view: ReadView): TakenNames[] {
  const taken: TakenNames[] = []
  for (const { key, facets } of view.scan(CustomResourceDefinition.group, CustomResourceDefinition.plural)) {
    if (key.name === definition.metadata.name) continue
    const { group, names } = namesOf(facets)
    if (names && group === definition.spec.group) taken.push(names)
  }
  return taken
}
