/**
 * Values of the Common Expression Language: whole numbers are bigint, others number; lists are arrays; objects of a schema are objects
 * without prototype, and maps that a rule writes are Maps.
 */

/** What a rule meets while it runs and cannot go on with: an absent field, an overflow, a wrong type. */
export class CelError extends Error {
  override readonly name = 'CelError'
}

/** A moment, in nanoseconds since the epoch. */
export class CelTime {
  constructor(readonly nanos: bigint) {}
}

/** A span of time, in nanoseconds. */
export class CelDuration {
  constructor(readonly nanos: bigint) {}
}

/** A type as a value: what `type(1)` gives. */
export class CelType {
  constructor(readonly name: string) {}
}

/** A value that may be absent. */
export class CelOptional {
  constructor(readonly value: unknown) {}
  get present(): boolean {
    return this.value !== undefined
  }
}

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n

/** Throws unless the number fits 64 bits. */
export function checkedInt(value: bigint): bigint {
  if (value < minInt || value > maxInt) throw new CelError('integer overflow')
  return value
}

export function isMapLike(value: unknown): value is Map<unknown, unknown> | Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  return value instanceof Map || Object.getPrototypeOf(value) === null
}

export function memberOf(map: Map<unknown, unknown> | Record<string, unknown>, key: unknown): unknown {
  if (map instanceof Map) return map.get(key)
  return typeof key === 'string' && Object.hasOwn(map, key) ? map[key] : undefined
}

export function keysOf(map: Map<unknown, unknown> | Record<string, unknown>): unknown[] {
  return map instanceof Map ? [...map.keys()] : Object.keys(map)
}

/** The name of the value's type, as `type()` gives it. */
export function typeNameOf(value: unknown): string {
  switch (typeof value) {
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
    case 'boolean':
      return 'bool'
    default:
      if (value === null) return 'null_type'
      if (Array.isArray(value)) return 'list'
      if (value instanceof Uint8Array) return 'bytes'
      if (value instanceof CelTime) return 'google.protobuf.Timestamp'
      if (value instanceof CelDuration) return 'google.protobuf.Duration'
      if (value instanceof CelType) return 'type'
      if (value instanceof CelOptional) return 'optional_type'
      return isMapLike(value) ? 'map' : 'object'
  }
}
