import { ApiError, badRequest } from '../api-error.js'
import { maxValues } from '../json/scan-json.js'
import type { Field, Message } from './message-field.js'

/**
 * Reads one message of the proto2 wire format. Zero values are left out, as Go's `omitempty` leaves them out of JSON; fields that the
 * message does not list are skipped, as every protobuf reader skips them.
 */
export function readMessage(bytes: Buffer, message: Message, depth = 0, budget: Budget = { values: maxValues }): Record<string, unknown> {
  if (depth > maxDepth) throw badRequest('the protobuf body is nested too deeply')
  const reader = new WireReader(bytes)
  const out: Record<string, unknown> = {}
  while (!reader.atEnd) {
    const { number, wireType } = reader.tag()
    if (--budget.values < 0) throw new ApiError('RequestEntityTooLarge', `the protobuf body holds more than ${maxValues} values`)
    const field = message[number]
    if (!field) {
      const isZero = reader.skip(wireType)
      if (message.closed && !isZero) throw onlyInJson(number, message.closed)
      continue
    }
    store(out, field, readValue(reader, field, wireType, depth, budget))
  }
  return out
}
const maxDepth = 32

const onlyInJson = (number: number, message: string) =>
  new ApiError('UnsupportedMediaType', `field ${number} of ${message} is not taken as protobuf; send the object as application/json`)

/** JSON as bytes in a message of its own: FieldsV1. */
const rawMessage: Message = { 1: { name: 'raw', type: 'bytes' } }

/** Fields that one body may still have, as many as JSON may have values. */
interface Budget {
  values: number
}

function readValue(reader: WireReader, field: Field, wireType: number, depth: number, budget: Budget): unknown {
  if (field.type === 'int' || field.type === 'bool') {
    if (wireType !== 0) throw badRequest(`the protobuf field ${field.name} has the wrong type`)
    const value = reader.varint()
    return field.type === 'bool' ? value !== 0n : toInteger(value)
  }
  if (wireType !== 2) throw badRequest(`the protobuf field ${field.name} has the wrong type`)
  const bytes = reader.bytes()
  switch (field.type) {
    case 'string':
      return utf8(bytes, field.name)
    case 'bytes':
      return bytes
    case 'base64':
      return bytes.toString('base64')
    case 'wrappedJson': {
      const { raw } = readMessage(bytes, rawMessage, depth + 1, budget)
      return raw instanceof Buffer ? parseJson(raw, field.name) : undefined
    }
    case 'quantity':
      return readMessage(bytes, quantityMessage, depth + 1, budget).text
    case 'intOrString': {
      const { isText, number = 0, text = '' } = readMessage(bytes, intOrStringMessage, depth + 1, budget)
      return isText ? text : number
    }
    case 'time':
    case 'microTime':
      return readTime(bytes, field.type)
    case 'map':
      return readMessage(bytes, mapEntry(field.values), depth + 1, budget)
    case 'message':
      return readMessage(bytes, field.message, depth + 1, budget)
  }
}

function store(out: Record<string, unknown>, field: Field, value: unknown): void {
  if (field.type === 'map') {
    const { key = '', value: entry = '' } = value as { key?: string; value?: string }
    if (key === '__proto__') throw badRequest(`the protobuf field ${field.name} has the key __proto__, which is not allowed`)
    const map = (out[field.name] ?? {}) as Record<string, unknown>
    map[key] = entry
    out[field.name] = map
    return
  }
  if (field.repeated) {
    const list = (out[field.name] ?? []) as unknown[]
    list.push(value)
    out[field.name] = list
    return
  }
  if (field.type === 'message' && field.inline) {
    Object.assign(out, value)
    return
  }
  if (isZero(value) && !field.keepZero) return
  out[field.name] = value
}

function isZero(value: unknown): boolean {
  if (value === '' || value === 0 || value === false || value === undefined) return true
  return typeof value === 'object' && value !== null && !Buffer.isBuffer(value) && !Array.isArray(value) && Object.keys(value).length === 0
}

const mapEntry = (values: Extract<Field, { type: 'map' }>['values']): Message => ({
  1: { name: 'key', type: 'string' },
  2: { name: 'value', type: values },
})

const quantityMessage: Message = { 1: { name: 'text', type: 'string' } }
const intOrStringMessage: Message = {
  1: { name: 'isText', type: 'int' },
  2: { name: 'number', type: 'int' },
  3: { name: 'text', type: 'string' },
}

const timeFields: Message = { 1: { name: 'seconds', type: 'int' }, 2: { name: 'nanos', type: 'int' } }

/** An empty message is an unset time. */
function readTime(bytes: Buffer, type: 'time' | 'microTime'): string | undefined {
  if (bytes.length === 0) return undefined
  const { seconds = 0, nanos = 0 } = readMessage(bytes, timeFields) as { seconds?: number | bigint; nanos?: number | bigint }
  const date = new Date(Number(seconds) * 1000)
  if (Number.isNaN(date.getTime())) throw badRequest('the protobuf body has a time that cannot be')
  const whole = date.toISOString().slice(0, 19)
  return type === 'time' ? `${whole}Z` : `${whole}.${String(Math.floor(Number(nanos) / 1000)).padStart(6, '0')}Z`
}

/** Signed 64-bit: a number where that is exact. */
function toInteger(value: bigint): number | bigint {
  const signed = BigInt.asIntN(64, value)
  return signed >= BigInt(Number.MIN_SAFE_INTEGER) && signed <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(signed) : signed
}

function utf8(bytes: Buffer, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw badRequest(`the protobuf field ${name} is not valid UTF-8`)
  }
}

function parseJson(bytes: Buffer, name: string): unknown {
  try {
    return JSON.parse(utf8(bytes, name))
  } catch {
    throw badRequest(`the protobuf field ${name} does not hold JSON`)
  }
}

class WireReader {
  #at = 0
  constructor(private readonly source: Buffer) {}

  get atEnd(): boolean {
    return this.#at >= this.source.length
  }

  tag(): { number: number; wireType: number } {
    const key = this.varint()
    const number = Number(key >> 3n)
    if (number === 0) throw badRequest('the protobuf body has a field without a number')
    return { number, wireType: Number(key & 7n) }
  }

  varint(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.source[this.#at]
      if (byte === undefined) throw truncated()
      this.#at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw badRequest('the protobuf body has a number that is too long')
  }

  bytes(): Buffer {
    const length = this.varint()
    const end = this.#at + Number(length)
    if (length > BigInt(this.source.length) || end > this.source.length) throw truncated()
    const part = this.source.subarray(this.#at, end)
    this.#at = end
    return part
  }

  /** Whether what was skipped is a zero, which says nothing. */
  skip(wireType: number): boolean {
    if (wireType === 0) return this.varint() === 0n
    if (wireType === 2) return this.bytes().length === 0
    if (wireType === 1 || wireType === 5) {
      this.#at += wireType === 1 ? 8 : 4
      if (this.#at > this.source.length) throw truncated()
      return false
    }
    throw badRequest('the protobuf body has a field of an unknown wire type')
  }
}

const truncated = () => badRequest('the protobuf body is cut short')
