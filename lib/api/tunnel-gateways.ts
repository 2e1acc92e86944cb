/**
 * What the gateways of a cluster say of one Tunnel, each for itself, and what that makes of the Tunnel as a whole. Whoever writes an entry,
 * or takes one away, writes the sum with it, so that any of them comes to the same.
 */
import type { Condition } from './condition.js'
import type { TunnelStatus } from './kinds/tunnel.js'

export type TunnelGateway = NonNullable<TunnelStatus['gateways']>[number]

export interface TunnelSum {
  /** Of the first gateway that listens. */
  readonly endpoint: string | undefined
  readonly listening: Fact
  readonly targetReady: Fact
}

interface Fact {
  readonly holds: boolean
  readonly reason: string
  readonly message: string
}

/** Those entries with one put in, or in the place of the one of its name; by name. */
export function withGateway(gateways: readonly TunnelGateway[] = [], own: TunnelGateway): TunnelGateway[] {
  return [...gateways.filter(({ name }) => name !== own.name), own].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Pure. */
export function sumOfGateways(gateways: readonly TunnelGateway[]): TunnelSum {
  return {
    endpoint: gateways.find(({ endpoint }) => endpoint !== undefined)?.endpoint,
    listening: listeningOf(gateways),
    targetReady: anyOf(gateways, 'TargetReady'),
  }
}

function listeningOf(gateways: readonly TunnelGateway[]): Fact {
  const endpoints = gateways.flatMap(({ endpoint }) => endpoint ?? [])
  if (endpoints.length === 0) return anyOf(gateways, 'Listening')
  const silent = gateways.filter(({ endpoint }) => endpoint === undefined)
  const failures = silent.map((gateway) => `gateway ${gateway.name} does not listen: ${conditionOf(gateway, 'Listening')?.message}`)
  return { holds: true, reason: 'Listening', message: [`clients connect to ${endpoints.join(' and ')}`, ...failures].join('; ') }
}

function anyOf(gateways: readonly TunnelGateway[], type: string): Fact {
  const said = gateways.flatMap((gateway) => conditionOf(gateway, type) ?? [])
  const { status, reason = '', message = '' } = said.find(({ status }) => status === 'True') ?? said[0] ?? nobody
  return { holds: status === 'True', reason, message }
}

const nobody = { status: 'False', reason: 'NoGateway', message: 'no gateway serves it; is one running?' } as const

const conditionOf = ({ conditions }: TunnelGateway, type: string): Condition | undefined =>
  conditions?.find((condition) => condition.type === type)
