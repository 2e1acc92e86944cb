import { type ErrorSubject, invalid, type StatusCause } from '../../lib/api/api-error.js'
import { hasRules } from '../../lib/api/cel/schema-rules.js'
import { ruleValidation } from '../../lib/api/custom-kinds/rule-validation.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { ObjectKey } from '../../lib/api/object-key.js'
import { ObjectMetaSchema } from '../../lib/api/object-meta.js'
import { createSchemaValidator, createSchemaWalk } from '../../lib/api/validation/schema-validator.js'
import { validateMetadata } from '../../lib/api/validation/validate-metadata.js'
import type { StoredObject } from '../storage/store.js'
import { createServing } from './served-form.js'
import { type StrategySettings, strategyOf } from './strategies/index.js'
import type { Strategy } from './strategies/strategy.js'

/** What the registry knows of one kind, made once. */
export interface ResourceRules {
  readonly kind: Kind
  readonly strategy: Strategy
  /** The apiVersion that objects are stored with. */
  readonly storedAs: string
  /** Bytes of every object up to and including `"metadata":{`. */
  readonly head: string
  /**
   * Whether kubectl knows the kind only from discovery. Such kinds behave as Kubernetes' custom resources: no strategic merge patch, and no
   * update without a resourceVersion.
   */
  readonly custom: boolean
  /** A stored object in the form of the kind. Without a definition of users behind it, that is how it is stored. */
  serve(stored: StoredObject): StoredObject
  /**
   * Types, required fields, enums, bounds. Until it has passed, no field of the object can be trusted to have its type. What was wrong in
   * `old` and is so still passes, for kinds of users: their schemas change under their objects.
   */
  assertShape(object: KubeObject, old?: KubeObject): void
  /** Metadata, then the rules of the schema, then the kind's own across fields. */
  assertRules(object: KubeObject, old: KubeObject | undefined): void
}

export function createResourceRules(kind: Kind, settings?: StrategySettings): ResourceRules {
  const validateSchema = kind.definedBy
    ? createSchemaWalk(kind.schema)
    : createSchemaValidator(kind.schema, { showValues: !kind.encrypted })
  const shapeOfMetadata = createSchemaWalk(ObjectMetaSchema.json)
  const judgeRules = hasRules(kind.schema) ? ruleValidation(kind.schema) : undefined
  const strategy = strategyOf(kind, settings)
  const storedAs = kind.definedBy?.storageApiVersion ?? kind.apiVersion
  return {
    kind,
    strategy,
    storedAs,
    head: `{"apiVersion":${JSON.stringify(storedAs)},"kind":${JSON.stringify(kind.kind)},"metadata":{`,
    custom: kind.definedBy !== undefined || !isKubernetesGroup(kind.group),
    serve: kind.definedBy ? createServing(kind) : (stored) => stored,
    assertShape(object, old) {
      const causes = validateSchema(object, old)
      if (causes.length === 0) return
      // Whoever mends the one should not be told of the other only then: metadata of the right types can be judged now.
      const isNamed = old === undefined && Boolean(object.metadata.name)
      const others = isNamed && shapeOfMetadata(object.metadata).length === 0 ? validateMetadata(kind, object.metadata) : []
      refuse(kind, shownName(object), [...causes, ...others])
    },
    assertRules(object, old) {
      const causes = [
        ...validateMetadata(kind, object.metadata),
        ...(judgeRules?.(object, old) ?? []),
        ...(kind.validate?.(object, old) ?? []),
        ...(strategy.validate?.(object, old) ?? []),
      ]
      refuse(kind, shownName(object), causes)
    },
  }
}

/** The name for an error's text, whatever the client put there. */
function shownName({ metadata }: KubeObject): string {
  return typeof metadata.name === 'string' ? metadata.name : (metadata.generateName ?? '')
}

/** Groups that are compiled into kubectl. */
function isKubernetesGroup(group: string): boolean {
  return group === '' || group.endsWith('.k8s.io') || ['apps', 'autoscaling', 'batch', 'policy'].includes(group)
}

export function keyOf(kind: Kind, namespace: string, name: string): ObjectKey {
  return { group: kind.group, resource: kind.plural, namespace: kind.scope === 'Namespaced' ? namespace : '', name }
}

export function subjectOf(kind: Kind, name: string): ErrorSubject & { kind: string } {
  return { group: kind.group, resource: kind.plural, kind: kind.kind, name }
}

/** Throws Invalid when there are causes. */
export function refuse(kind: Kind, name: string, causes: readonly StatusCause[]): void {
  if (causes.length > 0) throw invalid(subjectOf(kind, name), causes)
}
