/**
 * A user's CustomResourceDefinition as kinds, one for each version that is served: the same in-memory Kind that `defineKind` gives, so that
 * everything which serves, validates, patches, prints or documents a kind serves these too.
 */
import { compareVersions } from '../compare-versions.js'
import { isConditionTrue } from '../condition.js'
import { type Column, type Kind, kindWithSchema, type ScalePaths, type Subresource } from '../define-kind.js'
import type { CustomResourceDefinition, DefinedVersion } from '../kinds/custom-resource-definition.js'
import { objectSchema } from './object-schema.js'

/**
 * The kinds of a valid definition; none while its names are not accepted. A definition that goes is served in some version, so that its
 * objects can be deleted. The preferred version comes first. `since` is the revision of the definition.
 */
export function customKinds(definition: CustomResourceDefinition, since: number): Kind[] {
  if (!isConditionTrue(definition, 'Established')) return []
  const served = definition.spec.versions.filter((version) => version.served)
  const last = definition.spec.versions.filter((version) => version.storage && definition.metadata.deletionTimestamp)
  const versions = (served.length > 0 ? served : last).sort((a, b) => compareVersions(a.name, b.name))
  return versions.map((version) => customKind(definition, version, since))
}

function customKind(definition: CustomResourceDefinition, version: DefinedVersion, since: number): Kind {
  const { group, scope, versions } = definition.spec
  const { plural, singular, kind, listKind, shortNames = [], categories = [] } = definition.status?.acceptedNames ?? definition.spec.names
  const name = definition.metadata.name
  const storage = versions.find((one) => one.storage)?.name ?? version.name
  const schema = objectSchema(version.schema?.openAPIV3Schema ?? {})
  const description = schema.description ?? `Defined by the CustomResourceDefinition ${name}.`
  const declared = kindWithSchema(
    {
      group,
      version: version.name,
      kind,
      plural,
      ...(singular ? { singular } : {}),
      shortNames,
      categories,
      scope,
      description,
      subresources: subresourcesOf(version),
      ...scaleOf(version),
      ...(version.additionalPrinterColumns ? { columns: version.additionalPrinterColumns.map(columnOf) } : {}),
      selectable: selectablePaths(version),
    },
    { ...schema, description },
  )
  return {
    ...(declared as unknown as Kind),
    ...(listKind ? { listKind } : {}),
    definedBy: {
      name,
      storageApiVersion: `${group}/${storage}`,
      selectable: [...new Set(versions.flatMap(selectablePaths))],
      deprecation: deprecationOf(version, `${group}/${version.name} ${kind}`),
      since,
    },
  }
}

function scaleOf({ subresources }: DefinedVersion): { scale?: ScalePaths } {
  const scale = subresources?.scale
  if (!scale) return {}
  const names = (path: string) => path.slice(1).split('.')
  const selector = scale.labelSelectorPath === undefined ? {} : { selector: names(scale.labelSelectorPath) }
  return { scale: { specReplicas: names(scale.specReplicasPath), statusReplicas: names(scale.statusReplicasPath), ...selector } }
}

function subresourcesOf({ subresources = {} }: DefinedVersion): Subresource[] {
  return [...(subresources.status ? ['status' as const] : []), ...(subresources.scale ? ['scale' as const] : [])]
}

function columnOf({
  name,
  type,
  format,
  description,
  priority,
  jsonPath,
}: NonNullable<DefinedVersion['additionalPrinterColumns']>[number]): Column {
  return {
    name,
    type,
    jsonPath,
    description: description ?? `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    ...(format ? { format } : {}),
    ...(priority === undefined ? {} : { priority }),
  }
}

/** Without the leading dot. */
export function selectablePaths({ selectableFields = [] }: DefinedVersion): string[] {
  return selectableFields.map(({ jsonPath }) => jsonPath.slice(1))
}

function deprecationOf({ deprecated, deprecationWarning }: DefinedVersion, what: string): string | undefined {
  return deprecated ? (deprecationWarning ?? `${what} is deprecated`) : undefined
}
