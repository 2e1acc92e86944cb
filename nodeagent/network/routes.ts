import { type AddressRange, overlap, printRange } from '../../lib/api/address-range.js'

/** A route of the machine to a network that it knows. */
export interface Route {
  readonly device: string
  readonly range: AddressRange
}

/**
 * /proc/net/route: numbers of 32 bits in the machine's order, which is little endian wherever this runs. Default routes are no networks.
 */
export function parseRoutes(text: string): Route[] {
  const routes: Route[] = []
  for (const line of text.split('\n').slice(1)) {
    const [device, destination = '', , , , , , mask = ''] = line.trim().split(/\s+/)
    if (!device || !isNumber.test(destination) || !isNumber.test(mask) || swapped(mask) === 0) continue
    const size = 2 ** 32 - swapped(mask)
    routes.push({ device, range: { first: swapped(destination), prefixLength: 32 - Math.log2(size), size } })
  }
  return routes
}

const isNumber = /^[0-9A-F]{8}$/i
const swapped = (hex: string) => Buffer.from(hex, 'hex').readUInt32LE()

/** Why the node cannot have the range, in words: the machine reaches other machines there already. */
export function routeConflict(range: AddressRange, routes: readonly Route[], bridge: string): string | undefined {
  const other = routes.find((route) => route.device !== bridge && overlap(route.range, range))
  return (
    other &&
    `the node's range ${printRange(range)} overlaps with ${printRange(other.range)}, which the machine reaches over ${other.device}; give the Node another spec.podCIDR while no address of it is claimed`
  )
}
