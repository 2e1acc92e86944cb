import { CelError } from './cel-value.js'

/** An amount as Kubernetes writes it, exact: `value` counts billionths. */
export class CelQuantity {
  constructor(readonly value: bigint) {}
}

const billion = 10n ** 9n
const decimal: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const binary: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n }
const form = /^([+-]?)(\d{1,40})?(?:\.(\d{0,40}))?(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d{1,2}))?$/

/** `500m`, `1.5Gi`, `1e3`; undefined for what is none. */
export function tryParseCelQuantity(text: string): CelQuantity | undefined {
  const match = form.exec(text)
  if (!match || (match[2] === undefined && !match[3])) return undefined
  const [, sign, whole = '0', fraction = '', suffix = '', exponent] = match
  const digits = BigInt(whole + fraction)
  const scale = billion * (suffix in binary ? 2n ** (binary[suffix] ?? 0n) : 1n)
  const power = (exponent === undefined ? (decimal[suffix] ?? 0) : Number(exponent)) - fraction.length
  const scaled = digits * scale
  const value = power >= 0 ? scaled * 10n ** BigInt(power) : divideUp(scaled, 10n ** BigInt(-power))
  return new CelQuantity(sign === '-' ? -value : value)
}

export function parseCelQuantity(text: string): CelQuantity {
  const quantity = tryParseCelQuantity(text)
  if (!quantity) throw new CelError(`not a quantity: ${JSON.stringify(text.slice(0, 100))}`)
  return quantity
}

/** What lies below a billionth counts as one. */
function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by
}

export function asWhole({ value }: CelQuantity): bigint {
  if (value % billion !== 0n) throw new CelError('cannot convert value to integer')
  return value / billion
}

export const isWhole = ({ value }: CelQuantity) => value % billion === 0n
export const asFloat = ({ value }: CelQuantity) => Number(value) / 1e9
export const wholeQuantity = (value: bigint) => new CelQuantity(value * billion)
