/**
 * Quantities as Kubernetes writes them: `500m`, `1.5`, `2Gi`, `1e3`. A quantity is a decimal number with a binary (Ki…Ei), decimal (n…E) or
 * exponent suffix. Results are doubles in base units: exact up to 2^53.
 */

const suffixes: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
}

const maxLength = 64
const pattern = /^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i))?$/

/** Base units of a quantity; undefined when the text is none. Linear in the (bounded) length of the text. */
export function tryParseQuantity(quantity: string | number): number | undefined {
  if (typeof quantity === 'number') return Number.isFinite(quantity) ? quantity : undefined
  if (quantity.length > maxLength) return undefined
  const match = pattern.exec(quantity)
  if (!match) return undefined
  const [, sign, digits, exponent = '', suffix = ''] = match
  const value = Number(`${digits}${exponent}`) * (suffixes[suffix] ?? 1)
  if (!Number.isFinite(value)) return undefined
  return sign === '-' ? -value : value
}

/** Base units of a quantity (bytes, cores, pieces). Throws a RangeError that names the text. */
export function parseQuantity(quantity: string | number): number {
  const value = tryParseQuantity(quantity)
  if (value === undefined) throw new RangeError(`not a quantity: ${JSON.stringify(quantity)} (expected for example 500m, 1.5 or 2Gi)`)
  return value
}

/** Thousandths of a core, rounded up. */
export function cpuMillis(quantity: string | number): number {
  return Math.ceil(roundNoise(parseQuantity(quantity) * 1000))
}

/** Bytes, rounded up. */
export function memoryBytes(quantity: string | number): number {
  return Math.ceil(roundNoise(parseQuantity(quantity)))
}

/** 0.1 * 3 * 1000 is 300.00000000000006: what lies this close to a whole number is one. */
function roundNoise(value: number): number {
  const nearest = Math.round(value)
  return Math.abs(value - nearest) < 1e-6 ? nearest : value
}

const binaryUnits = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** Bytes for people: `1.2Gi`, `512Mi`, `100`. One decimal at most; not for arithmetic. */
export function printBytes(bytes: number): string {
  let value = Math.abs(bytes)
  let unit = 0
  while (value >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024
    unit++
  }
  const rounded = Math.floor(value * 10) / 10
  return `${bytes < 0 ? '-' : ''}${rounded}${binaryUnits[unit]}`
}

/** Millicores for people: `1500m` → `1.5`, `250` → `250m`. */
export function printCpu(millis: number): string {
  return millis % 100 === 0 ? String(millis / 1000) : `${millis}m`
}
