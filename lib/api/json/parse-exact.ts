import { badRequest } from '../api-error.js'
import type { DecodedJson } from './decode-json.js'
import { printFieldPath } from './field-path.js'
import { assertSafeKey } from './safe-key.js'

const maxDuplicates = 100
const numberToken = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y
const space = /[ \t\r\n]*/y

/**
 * Reads text that JSON.parse has accepted (grammar and nesting are known to be good) and keeps what it loses: integers beyond 2^53 become
 * bigint, and duplicate fields are reported by path; the last one wins.
 */
export function parseExact(text: string): DecodedJson {
  const reader = new ExactReader(text)
  return { value: reader.readValue(), duplicates: reader.duplicates }
}

class ExactReader {
  readonly duplicates: string[] = []
  readonly #text: string
  readonly #path: (string | number)[] = []
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  readValue(): unknown {
    this.#skipSpace()
    switch (this.#text[this.#at]) {
      case '{':
        return this.#readObject()
      case '[':
        return this.#readList()
      case '"':
        return this.#readString()
      case 't':
        return this.#skip(4, true)
      case 'f':
        return this.#skip(5, false)
      case 'n':
        return this.#skip(4, null)
      default:
        return this.#readNumber()
    }
  }

  #readObject(): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.#at++
    while (this.#next() !== '}') {
      if (this.#next() === ',') this.#at++
      this.#skipSpace()
      const key = this.#readString()
      assertSafeKey(key)
      this.#skipSpace()
      this.#at++ // the colon
      this.#path.push(key)
      if (Object.hasOwn(object, key) && this.duplicates.length < maxDuplicates) this.duplicates.push(printFieldPath(this.#path))
      object[key] = this.readValue()
      this.#path.pop()
    }
    this.#at++
    return object
  }

  #readList(): unknown[] {
    const list: unknown[] = []
    this.#at++
    while (this.#next() !== ']') {
      if (this.#next() === ',') this.#at++
      this.#path.push(list.length)
      list.push(this.readValue())
      this.#path.pop()
    }
    this.#at++
    return list
  }

  #readString(): string {
    const start = this.#at++
    while (this.#text[this.#at] !== '"') this.#at += this.#text[this.#at] === '\\' ? 2 : 1
    this.#at++
    return JSON.parse(this.#text.slice(start, this.#at))
  }

  #readNumber(): number | bigint {
    numberToken.lastIndex = this.#at
    const match = numberToken.exec(this.#text)
    if (!match) throw badRequest(`the body is not valid JSON (at position ${this.#at})`)
    this.#at = numberToken.lastIndex
    const value = Number(match[0])
    const isInteger = match[1] === undefined && match[2] === undefined
    return isInteger && !Number.isSafeInteger(value) ? BigInt(match[0]) : value
  }

  #next(): string | undefined {
    this.#skipSpace()
    return this.#text[this.#at]
  }

  #skipSpace(): void {
    space.lastIndex = this.#at
    space.exec(this.#text)
    this.#at = space.lastIndex
  }

  #skip<T>(length: number, value: T): T {
    this.#at += length
    return value
  }
}
