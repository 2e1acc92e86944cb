/**
 * A kind is declared once. From the declaration come the TypeScript types, validation, defaulting, routes, discovery, OpenAPI, table
 * columns, merge keys and the typed client.
 *
 *     export const Task = defineKind({ group: 'millrace.dev', version: 'v1', kind: 'Task', plural: 'tasks', scope: 'Namespaced', … })
 *     export type Task = Resource<typeof Task>
 */
import type { StatusCause } from './api-error.js'
import { type Condition, ConditionsSchema, type WithConditionTypes } from './condition.js'
import { type ObjectMeta, type ObjectMetaInput, ObjectMetaSchema } from './object-meta.js'
import type { JsonSchema } from './schema/json-schema.js'
import { type AnyType, type Fields, type Simplify, Type, t } from './schema/t.js'

/** One column of `get`: a cell is the value at `jsonPath`, or null. */
export interface Column {
  readonly name: string
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'date'
  readonly format?: string
  readonly jsonPath: string
  readonly description?: string
  /** 0 (default): always shown; above: only with `-o wide`. */
  readonly priority?: number
}

/** No two objects may hold the same values of `fields`, within the cluster or within a namespace. A clash is 409 and names the holder. */
export interface UniqueClaim {
  readonly scope: 'cluster' | 'namespace'
  readonly fields: readonly string[]
}

/** Subresources beside the object itself. `status` splits writes; the others are actions or streams. */
export type Subresource =
  | 'status'
  | 'scale'
  | 'binding'
  | 'log'
  | 'exec'
  | 'attach'
  | 'portforward'
  | 'console'
  | 'approval'
  | 'finalize'
  | 'token'
  | 'eviction'
  | 'content'
  | 'stats'

/** What a kind knows beyond its declaration when a CustomResourceDefinition made it. */
export interface DefinedBy {
  /** The name of the definition: `widgets.example.com`. */
  readonly name: string
  /** The version that objects are stored in. */
  readonly storageApiVersion: string
  /** The fields that objects are selected by in any version. */
  readonly selectable: readonly string[]
  /** Said with every answer, when the version is deprecated. */
  readonly deprecation: string | undefined
  /** The revision at which the definition became as it is: older objects may have another form. */
  readonly since: number
}

/** Names of fields, from the outside in. */
export interface ScalePaths {
  readonly specReplicas: readonly string[]
  readonly statusReplicas: readonly string[]
  /** A selector as text, or as the object that labels are selected by. */
  readonly selector?: readonly string[]
}

/** What can be done with the objects of a kind, in the words of discovery. */
const objectVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const
export type ObjectVerb = (typeof objectVerbs)[number]

export interface KindOptions<Spec extends AnyType, Status extends AnyType, Rest extends Fields, ConditionType extends string = string> {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  /** Default: `kind` in lower case. */
  readonly singular?: string
  readonly shortNames?: readonly string[]
  readonly categories?: readonly string[]
  readonly scope: 'Namespaced' | 'Cluster'
  readonly description: string
  readonly spec?: Spec
  readonly status?: Status
  /** Top-level fields beside metadata, spec and status: ConfigMap's `data`. */
  readonly fields?: Rest
  /** Default: `status` where there is one, and `verbs` says nothing. */
  readonly subresources?: readonly Subresource[]
  /** Where the numbers are that the subresource `scale` shows. */
  readonly scale?: ScalePaths
  /** What its objects answer to; other methods are 405. Default: everything. */
  readonly verbs?: readonly ObjectVerb[]
  /**
   * The kinds whose objects these are a view of: computed on read, never stored, deleted through. The
   * view's indexed paths are indexed there too, with the same values.
   */
  readonly viewOf?: readonly Kind[]
  /** Whether its objects are measured when somebody asks, and never stored. Default false. */
  readonly measured?: boolean
  /** Types of status.conditions that the kind's controllers set. The status has `conditions` then, whether it says so or not. */
  readonly conditions?: readonly ConditionType[]
  readonly columns?: readonly Column[]
  /** Whether tables begin with the object's name. Default true; false where `columns` has it elsewhere, with the format `name`. */
  readonly nameFirst?: boolean
  /** Field paths (`spec.nodeName`) that list and watch find by a map when compared for equality. Selectable too. */
  readonly indexed?: readonly string[]
  /** Further field paths that a fieldSelector may name. metadata.name and metadata.namespace always may. */
  readonly selectable?: readonly string[]
  readonly unique?: readonly UniqueClaim[]
  /** `keep`: old revisions stay for `history`; `none`: only the newest stays. Default `keep`. */
  readonly history?: 'keep' | 'none'
  /** Sealed at rest; values never shown by history, diff, why, describe. Default false. */
  readonly encrypted?: boolean
  /** Bound to a node by the scheduler and run by an agent. Default false. */
  readonly workload?: boolean
  /** Default `subdomain` (DNS-1123, up to 253 characters); `label`: up to 63; `path`: any path segment. */
  readonly nameRule?: 'subdomain' | 'label' | 'path'
  /** PUT of an absent object creates it. Default false. */
  readonly createOnUpdate?: boolean
  /** The largest object of the kind that is stored, bytes. Default: as for every kind. */
  readonly maxBytes?: number
  /** Rules across fields, after schema validation and defaulting. Pure. `old` is absent on create. */
  readonly validate?: (object: KubeObject, old: KubeObject | undefined) => StatusCause[]
}

/** Any object on the wire. */
export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

/** A declared kind. `schema` is the whole object's structural schema. */
export interface Kind<
  Spec extends AnyType = AnyType,
  Status extends AnyType = AnyType,
  Rest extends Fields = Fields,
  ConditionType extends string = string,
> extends Omit<
    KindOptions<Spec, Status, Rest, ConditionType>,
    'singular' | 'shortNames' | 'categories' | 'subresources' | 'verbs' | 'columns'
  > {
  readonly apiVersion: string
  readonly listKind: string
  readonly singular: string
  readonly shortNames: readonly string[]
  readonly categories: readonly string[]
  readonly subresources: readonly Subresource[]
  readonly verbs: readonly ObjectVerb[]
  readonly columns: readonly Column[]
  readonly indexed: readonly string[]
  readonly selectable: readonly string[]
  readonly unique: readonly UniqueClaim[]
  readonly conditions: readonly ConditionType[]
  readonly history: 'keep' | 'none'
  readonly encrypted: boolean
  readonly workload: boolean
  readonly nameRule: 'subdomain' | 'label' | 'path'
  readonly createOnUpdate: boolean
  readonly schema: JsonSchema
  /** Absent for the kinds that Millrace is born with. */
  readonly definedBy?: DefinedBy
}

type None = Type<undefined, undefined, 'optional'>
type FieldsOutput<F extends Fields> = ReturnType<typeof t.object<F>>['out']
type FieldsInput<F extends Fields> = ReturnType<typeof t.object<F>>['in']

/** The object of a kind as the server returns it. */
export type Resource<K extends Kind> =
  K extends Kind<infer Spec, infer Status, infer Rest>
    ? { apiVersion: string; kind: string; metadata: ObjectMeta } & WithConditionTypes<ConditionTypeOf<K>> &
        (Spec extends None ? unknown : { spec: Spec['out'] }) &
        (Status extends None ? unknown : { status?: Status['out'] }) &
        FieldsOutput<Rest>
    : never

/** The object of a kind as a manifest gives it. */
export type Manifest<K extends Kind> =
  K extends Kind<infer Spec, infer Status, infer Rest>
    ? { apiVersion?: string; kind?: string; metadata: ObjectMetaInput } & SpecInput<Spec> &
        (Status extends None ? unknown : { status?: Status['in'] }) &
        FieldsInput<Rest>
    : never

/** A spec that has a default may be left out. */
type SpecInput<Spec extends AnyType> = Spec extends None
  ? unknown
  : Spec['presence'] extends 'required'
    ? { spec: Spec['in'] }
    : { spec?: Spec['in'] }

/** The types of conditions that a kind declares: `'Ready' | 'Degraded'`; never without any. */
export type ConditionTypeOf<K extends Kind> = K['conditions'][number]

/** The status of a kind that declares conditions has them. */
type WithConditions<Status extends AnyType, ConditionType extends string> = [ConditionType] extends [never]
  ? Status
  : [Status] extends [None]
    ? Type<ConditionsField, ConditionsField, 'optional'>
    : 'conditions' extends keyof Status['out']
      ? Status
      : Type<Simplify<Status['out'] & ConditionsField>, Simplify<Status['in'] & ConditionsField>, Status['presence']>
type ConditionsField = { conditions?: Condition[] | undefined }

export function defineKind<
  Spec extends AnyType = None,
  Status extends AnyType = None,
  // biome-ignore lint/complexity/noBannedTypes: a kind without further fields
  Rest extends Fields = {},
  ConditionType extends string = never,
>(declared: KindOptions<Spec, Status, Rest, ConditionType>): Kind<Spec, WithConditions<Status, ConditionType>, Rest, ConditionType> {
  const { status, ...others } = declared
  const whole = declared.conditions?.length ? withConditions(status, declared.conditions) : status
  const options: KindOptions<Spec, AnyType, Rest, ConditionType> = { ...others, ...(whole ? { status: whole } : {}) }
  const properties: Record<string, JsonSchema> = {
    apiVersion: { type: 'string', description: 'The group and version of the kind.' },
    kind: { type: 'string', description: 'The kind of the object.' },
    metadata: { ...ObjectMetaSchema.json, description: 'The standard metadata of every object.' },
    ...(options.spec ? { spec: { description: 'The desired state.', ...options.spec.json } } : {}),
    ...(options.status ? { status: { description: 'The observed state.', ...options.status.json } } : {}),
    ...Object.fromEntries(Object.entries(options.fields ?? {}).map(([name, field]) => [name, field.json])),
  }
  const required = [
    ...(options.spec?.presence === 'required' ? ['spec'] : []),
    ...Object.entries(options.fields ?? {})
      .filter(([, field]) => field.presence === 'required')
      .map(([name]) => name),
  ]
  const schema: JsonSchema = { type: 'object', description: options.description, properties, ...(required.length > 0 ? { required } : {}) }
  // The types say of the status what `withConditions` did with it.
  return kindWithSchema(options, schema) as Kind<Spec, WithConditions<Status, ConditionType>, Rest, ConditionType>
}

function withConditions(status: AnyType = t.object({}).optional(), types: readonly string[]): AnyType {
  const { properties } = status.json
  if (properties && Object.hasOwn(properties, 'conditions')) return status
  const conditions = ConditionsSchema.describe(`What was observed, by type: ${types.join(', ')}.`)
  return new Type({ ...status.json, properties: { ...properties, conditions: conditions.json } }, status.presence)
}

/** The kind of these options whose whole objects have this schema; what is not said gets its default. */
export function kindWithSchema<Spec extends AnyType, Status extends AnyType, Rest extends Fields, ConditionType extends string>(
  options: KindOptions<Spec, Status, Rest, ConditionType>,
  schema: JsonSchema,
): Kind<Spec, Status, Rest, ConditionType> {
  const { group, version, kind } = options
  return {
    ...options,
    apiVersion: group === '' ? version : `${group}/${version}`,
    listKind: `${kind}List`,
    singular: options.singular ?? kind.toLowerCase(),
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    subresources: options.subresources ?? (options.status && !options.verbs ? ['status'] : []),
    verbs: options.verbs ?? objectVerbs,
    columns: options.columns ?? [{ name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' }],
    indexed: options.indexed ?? [],
    selectable: options.selectable ?? [],
    unique: options.unique ?? [],
    conditions: options.conditions ?? [],
    history: options.history ?? 'keep',
    encrypted: options.encrypted ?? false,
    workload: options.workload ?? false,
    nameRule: options.nameRule ?? 'subdomain',
    createOnUpdate: options.createOnUpdate ?? false,
    schema,
  }
}
