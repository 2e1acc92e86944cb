import { readFile } from 'node:fs/promises'
import { type AddressRange, parseRange } from '../../lib/api/address-range.js'
import type { NetworkCondition } from './node-network.js'
import { parseRoutes, type Route, routeConflict } from './routes.js'
import { missingPrograms } from './run-command.js'

/** What decides whether a node can have a bridge. */
export interface NetworkFacts {
  /** Whether this process may change the network: CAP_NET_ADMIN. */
  readonly mayAdminister: boolean
  /** Programs that are not installed. */
  readonly missing: readonly string[]
  readonly routes: readonly Route[]
}

export type Hindrance = Pick<NetworkCondition, 'reason' | 'message'>

/** What keeps the node from having a bridge with this range, in words; undefined when nothing does. Pure. */
export function hindranceOf({ mayAdminister, missing, routes }: NetworkFacts, range: AddressRange, bridge: string): Hindrance | undefined {
  if (!mayAdminister)
    return { reason: 'NoRights', message: 'the agent may not change the network of the machine (CAP_NET_ADMIN): run it as root' }
  if (missing.length > 0)
    return { reason: 'ProgramsMissing', message: `${missing.join(' and ')} is not installed: apt-get install iproute2 iptables perl` }
  const conflict = routeConflict(range, routes, bridge)
  return conflict === undefined ? undefined : { reason: 'RangeTaken', message: conflict }
}

const netAdmin = 12n

export async function readNetworkFacts(searchPath: string): Promise<NetworkFacts> {
  const [status, routes, missing] = await Promise.all([
    readFile('/proc/self/status', 'utf8'),
    readFile('/proc/self/net/route', 'utf8').catch(() => ''),
    missingPrograms(['ip', 'iptables', 'perl'], searchPath),
  ])
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
  return { mayAdminister: ((capabilities >> netAdmin) & 1n) === 1n, missing, routes: parseRoutes(routes) }
}

/** Whether an interface of this name is there, in the network that this process is in. */
export async function hasInterface(name: string): Promise<boolean> {
  return (await interfaceNames()).has(name)
}

/** Those of the network that this process is in. */
export async function interfaceNames(): Promise<ReadonlySet<string>> {
  const lines = (await readFile('/proc/self/net/dev', 'utf8')).split('\n')
  return new Set(lines.flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []))
}

export const rangeOf = (podCIDR: string | undefined) => (podCIDR === undefined ? undefined : parseRange(podCIDR))
