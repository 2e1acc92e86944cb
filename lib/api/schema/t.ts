/**
 * `t` builds a structural schema and the TypeScript types that go with it, in one expression:
 *
 *     const spec = t.object({ image: t.string().describe('What to run.').optional(), tries: t.integer().default(3).describe('…') })
 *     type Spec = Output<typeof spec>      // { image?: string; tries: number }      after defaults
 *     type Manifest = Input<typeof spec>   // { image?: string; tries?: number }     as people write it
 *
 * A field is required unless it says `.optional()` or `.default(value)`.
 */
import type { JsonSchema, ValidationRule } from './json-schema.js'

export type Presence = 'required' | 'optional' | 'defaulted'

/** A schema with the types of its value before (`In`) and after (`Out`) defaulting. Immutable: each method returns a new one. */
export class Type<Out, In = Out, P extends Presence = 'required'> {
  declare readonly out: Out
  declare readonly in: In
  constructor(
    readonly json: JsonSchema,
    readonly presence: P,
  ) {}

  /** The field's documentation; `kubectl explain` prints it. */
  describe(description: string): Type<Out, In, P> {
    return new Type({ ...this.json, description }, this.presence)
  }
  optional(): Type<Out, In, 'optional'> {
    return new Type(this.json, 'optional')
  }
  /** The server writes `value` where the field is absent. */
  default(value: In): Type<Out, In, 'defaulted'> {
    return new Type({ ...this.json, default: value }, 'defaulted')
  }
  /** Adds constraints: `t.string().with({ maxLength: 63 })`. */
  with(constraints: JsonSchema): Type<Out, In, P> {
    return new Type({ ...this.json, ...constraints }, this.presence)
  }
  /**
   * Adds a rule in CEL, where `self` is the value and `oldSelf` the one before:
   * `.rule('self.min <= self.max', { message: 'min is at most max' })`.
   */
  rule(rule: string, more: Omit<ValidationRule, 'rule'> = {}): Type<Out, In, P> {
    const rules = [...(this.json['x-kubernetes-validations'] ?? []), { rule, ...more }]
    return new Type({ ...this.json, 'x-kubernetes-validations': rules }, this.presence)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: the schema builder is where types are made
export type AnyType = Type<any, any, Presence>
export type Fields = Record<string, AnyType>

/** The same fields, written as one object. */
export type Simplify<T> = { [K in keyof T]: T[K] } & {}
type KeysOf<F extends Fields, P extends Presence> = { [K in keyof F]: F[K]['presence'] extends P ? K : never }[keyof F]
type ObjectOutput<F extends Fields> = Simplify<
  { [K in KeysOf<F, 'required' | 'defaulted'>]: F[K]['out'] } & { [K in KeysOf<F, 'optional'>]?: F[K]['out'] | undefined }
>
type ObjectInput<F extends Fields> = Simplify<
  { [K in KeysOf<F, 'required'>]: F[K]['in'] } & { [K in KeysOf<F, 'optional' | 'defaulted'>]?: F[K]['in'] | undefined }
>

/** The value's type after defaulting. */
export type Output<T extends AnyType> = T['out']
/** The value's type as a manifest gives it. */
export type Input<T extends AnyType> = T['in']

function required<Out, In = Out>(json: JsonSchema): Type<Out, In> {
  return new Type<Out, In>(json, 'required')
}

export const t = {
  string: () => required<string>({ type: 'string' }),
  integer: () => required<number>({ type: 'integer', format: 'int64' }),
  number: () => required<number>({ type: 'number' }),
  boolean: () => required<boolean>({ type: 'boolean' }),
  /** RFC 3339 time. */
  time: () => required<string>({ type: 'string', format: 'date-time' }),
  /** base64 text in JSON. */
  bytes: () => required<string>({ type: 'string', format: 'byte' }),
  oneOf: <const V extends string>(...values: V[]) => required<V>({ type: 'string', enum: values }),
  intOrString: () => required<number | string>({ 'x-kubernetes-int-or-string': true }),
  /** An amount such as `500m`, `1.5` or `2Gi`; see quantity.ts. */
  quantity: () => required<string | number, string | number>({ 'x-kubernetes-int-or-string': true, format: 'quantity' }),
  object: <F extends Fields>(fields: F) => {
    const requiredNames = Object.keys(fields).filter((name) => fields[name]?.presence === 'required')
    return required<ObjectOutput<F>, ObjectInput<F>>({
      type: 'object',
      properties: Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.json])),
      ...(requiredNames.length > 0 ? { required: requiredNames } : {}),
    })
  },
  map: <T extends AnyType>(values: T) =>
    required<Record<string, T['out']>, Record<string, T['in']>>({ type: 'object', additionalProperties: values.json }),
  /** A list that is replaced as a whole. */
  list: <T extends AnyType>(items: T) =>
    required<T['out'][], T['in'][]>({ type: 'array', items: items.json, 'x-kubernetes-list-type': 'atomic' }),
  /** A list without duplicates. */
  set: <T extends AnyType>(items: T) =>
    required<T['out'][], T['in'][]>({ type: 'array', items: items.json, 'x-kubernetes-list-type': 'set' }),
  /** A list whose items are told apart by `keys`. */
  listMap: <T extends AnyType>(keys: string[], items: T) =>
    required<T['out'][], T['in'][]>({
      type: 'array',
      items: items.json,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': keys,
    }),
  /** Any JSON object, kept as it is. */
  anything: () => required<Record<string, unknown>>({ type: 'object', 'x-kubernetes-preserve-unknown-fields': true }),
}
