import { celEquals, pay } from './cel-equality.js'
import type { CelFunctions } from './cel-function.js'
import { parseDuration, parseTime, printDuration, printTime, timePart } from './cel-time.js'
import { CelDuration, CelError, CelOptional, CelTime, CelType, checkedInt, isMapLike, keysOf, typeNameOf } from './cel-value.js'

const size = (value: unknown): bigint => {
  if (typeof value === 'string') return BigInt([...value].length)
  if (Array.isArray(value) || value instanceof Uint8Array) return BigInt(value.length)
  if (isMapLike(value)) return BigInt(keysOf(value).length)
  throw new CelError(`${typeNameOf(value)} has no size`)
}

function toInt(value: unknown): bigint {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number' && Number.isFinite(value)) return checkedInt(BigInt(Math.trunc(value)))
  if (typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value)) return checkedInt(BigInt(value.replace('+', '')))
  if (value instanceof CelTime) return value.nanos / 10n ** 9n
  throw new CelError(`cannot convert ${typeNameOf(value)} to int`)
}

function toDouble(value: unknown): number {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  const parsed = typeof value === 'string' && value.trim() === value && value !== '' ? Number(value) : Number.NaN
  if (Number.isNaN(parsed)) throw new CelError(`cannot convert ${typeNameOf(value)} to double`)
  return parsed
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof CelTime) return printTime(value)
  if (value instanceof CelDuration) return printDuration(value)
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  throw new CelError(`cannot convert ${typeNameOf(value)} to string`)
}

function toBool(value: unknown): boolean {
  if (typeof value === 'boolean') return value
  if (value === 'true' || value === 'false') return value === 'true'
  throw new CelError(`cannot convert ${typeNameOf(value)} to bool`)
}

const optional = (value: unknown): CelOptional => {
  if (value instanceof CelOptional) return value
  throw new CelError('not an optional value')
}

const timeParts = [
  'getFullYear',
  'getMonth',
  'getDate',
  'getDayOfMonth',
  'getDayOfWeek',
  'getDayOfYear',
  'getHours',
  'getMinutes',
  'getSeconds',
  'getMilliseconds',
]

/** What the language itself has. The package knows their types. */
export const coreFunctions: CelFunctions = {
  'size/1': { run: (_context, value) => size(value) },
  '.size/0': { run: (_context, value) => size(value) },
  'int/1': { signatures: ['int(google.protobuf.Timestamp): int'], run: (_context, value) => toInt(value) },
  'double/1': { run: (_context, value) => toDouble(value) },
  'string/1': {
    signatures: ['string(google.protobuf.Timestamp): string', 'string(google.protobuf.Duration): string'],
    run: (_context, value) => toText(value),
  },
  'bool/1': { run: (_context, value) => toBool(value) },
  'bytes/1': { run: (_context, value) => (typeof value === 'string' ? Buffer.from(value) : value) },
  'dyn/1': { run: (_context, value) => value },
  'type/1': { run: (_context, value) => new CelType(typeNameOf(value)) },
  'duration/1': { run: (_context, text) => parseDuration(String(text)) },
  'timestamp/1': { run: (_context, text) => (typeof text === 'bigint' ? new CelTime(text * 10n ** 9n) : parseTime(String(text))) },
  ...Object.fromEntries(
    timeParts.map((part) => [
      `.${part}/0`,
      {
        run: (_context: unknown, value: unknown) => {
          if (value instanceof CelTime || value instanceof CelDuration) return timePart(value, part)
          throw new CelError(`${typeNameOf(value)} has no ${part}`)
        },
      },
    ]),
  ),
  '.hasValue/0': { run: (_context, value) => optional(value).present },
  '.value/0': {
    run: (_context, value) => {
      if (!optional(value).present) throw new CelError('optional.none() dereference')
      return optional(value).value
    },
  },
  'optional.of/1': { run: (_context, value) => new CelOptional(value) },
  'optional.none/0': { run: () => new CelOptional(undefined) },
  'sets.contains/2': {
    signatures: ['Sets.contains(list<A>, list<A>): bool'],
    run: ({ budget }, all, some) => asList(some).every((item) => asList(all).some((other) => celEquals(item, other, budget))),
  },
  'sets.intersects/2': {
    signatures: ['Sets.intersects(list<A>, list<A>): bool'],
    run: ({ budget }, left, right) => asList(left).some((item) => asList(right).some((other) => celEquals(item, other, budget))),
  },
  'sets.equivalent/2': {
    signatures: ['Sets.equivalent(list<A>, list<A>): bool'],
    run: ({ budget }, left, right) =>
      asList(left).every((item) => asList(right).some((other) => celEquals(item, other, budget))) &&
      asList(right).every((item) => asList(left).some((other) => celEquals(item, other, budget))),
  },
}

export function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw new CelError(`${typeNameOf(value)} is no list`)
}

export function asText(value: unknown): string {
  if (typeof value === 'string') return value
  throw new CelError(`${typeNameOf(value)} is no string`)
}

/** A text for what a function made: its length is paid for. */
export function paidText(context: { budget: Parameters<typeof pay>[0] }, text: string): string {
  pay(context.budget, text.length / 10)
  return text
}
