import { badRequest } from '../api-error.js'

/** Levels of objects and lists that a body may nest. */
export const maxNesting = 64

/** Members and items that a body may hold, all objects and lists together: every step of a write takes its time by them. */
export const maxValues = 100_000

export interface JsonScan {
  /** Members and items at most, by their commas and brackets. */
  readonly values: number
  /** Members of all objects, counted by their colons. */
  readonly members: number
  /** Whether a run of 16 or more digits stands outside strings: a double may not hold it exactly. */
  readonly longNumber: boolean
}

const quote = 0x22
const backslash = 0x5c
const longRun = 16

/** Looks over the bytes once, without recursion and without judging the grammar. Throws BadRequest when the nesting exceeds maxNesting. */
export function scanJson(bytes: Uint8Array): JsonScan {
  let depth = 0
  let values = 0
  let members = 0
  let digits = 0
  let longNumber = false
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] as number
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits >= longRun) longNumber = true
      continue
    }
    digits = 0
    if (byte === quote) {
      index = endOfString(bytes, index + 1)
    } else if (byte === 0x3a) {
      members++
    } else if (byte === 0x2c) {
      values++
    } else if (byte === 0x7b || byte === 0x5b) {
      values++
      if (++depth > maxNesting) throw badRequest(`the body nests deeper than ${maxNesting} levels`)
    } else if (byte === 0x7d || byte === 0x5d) {
      depth--
    }
  }
  return { values, members, longNumber }
}

/** The index of the closing quote, or the end. */
function endOfString(bytes: Uint8Array, start: number): number {
  let index = start
  while (index < bytes.length) {
    const byte = bytes[index]
    if (byte === quote) return index
    index += byte === backslash ? 2 : 1
  }
  return index
}
