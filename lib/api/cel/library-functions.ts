import {
  CelAddress,
  CelCidr,
  canonicalAddress,
  inCidr,
  isAddress,
  isUnspecified,
  isWithin,
  maskedCidr,
  parseAddress,
  parseCidr,
} from './cel-address.js'
import { celEquals, compareValues, pay } from './cel-equality.js'
import type { CelContext, CelFunction, CelFunctions } from './cel-function.js'
import { asFloat, asWhole, CelQuantity, isWhole, parseCelQuantity, tryParseCelQuantity, wholeQuantity } from './cel-quantity.js'
import { CelDuration, CelError, checkedInt } from './cel-value.js'
import { asList, asText } from './core-functions.js'

/** A URL or the path of one. */
export class CelUrl {
  constructor(
    readonly url: URL,
    readonly hasHost: boolean,
  ) {}
}

function tryParseUrl(text: string): CelUrl | undefined {
  if (text.length > 10_000 || /\s/.test(text)) return undefined
  if (text.startsWith('/')) return new CelUrl(new URL(text, 'http://none'), false)
  return URL.canParse(text) ? new CelUrl(new URL(text), true) : undefined
}

function urlOf(text: unknown): CelUrl {
  const url = tryParseUrl(asText(text))
  if (!url) throw new CelError(`not a URL: ${JSON.stringify(asText(text).slice(0, 100))}`)
  return url
}

type Receiver<T> = abstract new (...args: never[]) => T

function method<T>(type: Receiver<T>, signature: string, run: (value: T, ...args: unknown[]) => unknown): CelFunction {
  return {
    signatures: [signature],
    run: (_context, value, ...args) => {
      if (value instanceof type) return run(value, ...args)
      throw new CelError(`found no such method: ${signature}`)
    },
  }
}

function expect<T>(type: Receiver<T>, value: unknown): T {
  if (value instanceof type) return value
  throw new CelError('a value of another type was expected')
}

const quantity = 'kubernetes.Quantity'
const amount = (value: unknown) => (typeof value === 'bigint' ? wholeQuantity(value) : expect(CelQuantity, value))

/** Quantities, addresses, URLs and lists, as Kubernetes has them. */
export const libraryFunctions: CelFunctions = {
  'quantity/1': { signatures: [`quantity(string): ${quantity}`], run: (_context, text) => parseCelQuantity(asText(text)) },
  'isQuantity/1': { signatures: ['isQuantity(string): bool'], run: (_context, text) => tryParseCelQuantity(asText(text)) !== undefined },
  '.isLessThan/1': method(CelQuantity, `${quantity}.isLessThan(${quantity}): bool`, (left, right) => left.value < amount(right).value),
  '.isGreaterThan/1': method(
    CelQuantity,
    `${quantity}.isGreaterThan(${quantity}): bool`,
    (left, right) => left.value > amount(right).value,
  ),
  '.compareTo/1': method(CelQuantity, `${quantity}.compareTo(${quantity}): int`, (left, right) =>
    BigInt(compareValues(left, amount(right))),
  ),
  '.asInteger/0': method(CelQuantity, `${quantity}.asInteger(): int`, (value) => checkedInt(asWhole(value))),
  '.isInteger/0': method(CelQuantity, `${quantity}.isInteger(): bool`, isWhole),
  '.asApproximateFloat/0': method(CelQuantity, `${quantity}.asApproximateFloat(): double`, asFloat),
  '.sign/0': method(CelQuantity, `${quantity}.sign(): int`, ({ value }) => (value > 0n ? 1n : value < 0n ? -1n : 0n)),
  '.add/1': several(
    method(CelQuantity, `${quantity}.add(${quantity}): ${quantity}`, (left, right) => new CelQuantity(left.value + amount(right).value)),
    `${quantity}.add(int): ${quantity}`,
  ),
  '.sub/1': several(
    method(CelQuantity, `${quantity}.sub(${quantity}): ${quantity}`, (left, right) => new CelQuantity(left.value - amount(right).value)),
    `${quantity}.sub(int): ${quantity}`,
  ),

  'ip/1': { signatures: ['ip(string): net.IP'], run: (_context, text) => parseAddress(asText(text)) },
  'isIP/1': { signatures: ['isIP(string): bool'], run: (_context, text) => isAddress(asText(text)) },
  'ip.isCanonical/1': {
    signatures: ['Ip.isCanonical(string): bool'],
    run: (_context, text) => parseAddress(asText(text)).text === asText(text) && canonicalAddress(asText(text)) === asText(text),
  },
  '.family/0': method(CelAddress, 'net.IP.family(): int', ({ family }) => BigInt(family)),
  '.isUnspecified/0': method(CelAddress, 'net.IP.isUnspecified(): bool', isUnspecified),
  '.isLoopback/0': method(CelAddress, 'net.IP.isLoopback(): bool', (address) => isWithin(address, 'loopback')),
  '.isLinkLocalUnicast/0': method(CelAddress, 'net.IP.isLinkLocalUnicast(): bool', (address) => isWithin(address, 'linkLocal')),
  '.isGlobalUnicast/0': method(
    CelAddress,
    'net.IP.isGlobalUnicast(): bool',
    (address) =>
      !isUnspecified(address) &&
      address.text !== '255.255.255.255' &&
      !(['loopback', 'linkLocal', 'multicast'] as const).some((range) => isWithin(address, range)),
  ),
  'cidr/1': { signatures: ['cidr(string): net.CIDR'], run: (_context, text) => parseCidr(asText(text)) },
  'isCIDR/1': { signatures: ['isCIDR(string): bool'], run: (_context, text) => isCidrText(asText(text)) },
  '.containsIP/1': several(
    method(CelCidr, 'net.CIDR.containsIP(net.IP): bool', (range, address) =>
      inCidr(range, typeof address === 'string' ? parseAddress(address) : expect(CelAddress, address)),
    ),
    'net.CIDR.containsIP(string): bool',
  ),
  '.containsCIDR/1': several(
    method(CelCidr, 'net.CIDR.containsCIDR(net.CIDR): bool', (range, other) => {
      const inner = typeof other === 'string' ? parseCidr(other) : expect(CelCidr, other)
      return inner.prefix >= range.prefix && inCidr(range, inner.address)
    }),
    'net.CIDR.containsCIDR(string): bool',
  ),
  '.ip/0': method(CelCidr, 'net.CIDR.ip(): net.IP', ({ address }) => address),
  '.masked/0': method(CelCidr, 'net.CIDR.masked(): net.CIDR', maskedCidr),
  '.prefixLength/0': method(CelCidr, 'net.CIDR.prefixLength(): int', ({ prefix }) => BigInt(prefix)),

  'url/1': { signatures: ['url(string): kubernetes.URL'], run: (_context, text) => urlOf(text) },
  'isURL/1': { signatures: ['isURL(string): bool'], run: (_context, text) => tryParseUrl(asText(text)) !== undefined },
  '.getScheme/0': method(CelUrl, 'kubernetes.URL.getScheme(): string', ({ url, hasHost }) => (hasHost ? url.protocol.slice(0, -1) : '')),
  '.getHost/0': method(CelUrl, 'kubernetes.URL.getHost(): string', ({ url, hasHost }) => (hasHost ? url.host : '')),
  '.getHostname/0': method(CelUrl, 'kubernetes.URL.getHostname(): string', ({ url, hasHost }) =>
    hasHost ? url.hostname.replace(/^\[|\]$/g, '') : '',
  ),
  '.getPort/0': method(CelUrl, 'kubernetes.URL.getPort(): string', ({ url }) => url.port),
  '.getEscapedPath/0': method(CelUrl, 'kubernetes.URL.getEscapedPath(): string', ({ url }) => url.pathname),
  '.getQuery/0': method(CelUrl, 'kubernetes.URL.getQuery(): map<string, list<string>>', ({ url }) => {
    const query = new Map<string, string[]>()
    for (const [name, value] of url.searchParams) query.set(name, [...(query.get(name) ?? []), value])
    return query
  }),

  '.isSorted/0': { signatures: ['list<A>.isSorted(): bool'], run: isSorted },
  '.sum/0': {
    signatures: ['list<int>.sum(): int', 'list<double>.sum(): double', 'list<google.protobuf.Duration>.sum(): google.protobuf.Duration'],
    run: sum,
  },
  '.min/0': { signatures: ['list<A>.min(): A'], run: (context, list) => extreme(context, list, -1) },
  '.max/0': { signatures: ['list<A>.max(): A'], run: (context, list) => extreme(context, list, 1) },
}

function several(one: CelFunction, ...signatures: string[]): CelFunction {
  return { ...one, signatures: [...(one.signatures ?? []), ...signatures] }
}

function isCidrText(text: string): boolean {
  try {
    parseCidr(text)
    return true
  } catch {
    return false
  }
}

function isSorted({ budget }: CelContext, value: unknown): boolean {
  const list = asList(value)
  pay(budget, list.length)
  return list.every((item, index) => index === 0 || compareValues(list[index - 1], item) <= 0)
}

function sum({ budget }: CelContext, value: unknown): unknown {
  const list = asList(value)
  pay(budget, list.length)
  if (list.every((item) => typeof item === 'bigint')) return checkedInt(list.reduce<bigint>((total, item) => total + (item as bigint), 0n))
  if (list.every((item) => item instanceof CelDuration))
    return new CelDuration(list.reduce<bigint>((total, item) => total + (item as CelDuration).nanos, 0n))
  if (list.every((item) => typeof item === 'number')) return list.reduce<number>((total, item) => total + (item as number), 0)
  throw new CelError('only numbers and durations have a sum')
}

function extreme({ budget }: CelContext, value: unknown, sign: number): unknown {
  const list = asList(value)
  pay(budget, list.length)
  if (list.length === 0) throw new CelError('min and max need at least one item')
  return list.reduce((best, item) => (compareValues(item, best) * sign > 0 ? item : best))
}

/** Positions of an item within a list. */
export function indexInList({ budget }: CelContext, list: readonly unknown[], item: unknown, last: boolean): bigint {
  const found = last
    ? list.findLastIndex((other) => celEquals(other, item, budget))
    : list.findIndex((other) => celEquals(other, item, budget))
  return BigInt(found)
}
