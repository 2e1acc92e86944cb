import { createHash } from 'node:crypto'
import { ApiError } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { Tunnel, type TunnelSpec } from '../../../lib/api/kinds/tunnel.js'
import { isEveryAddress, parseListenAddress } from '../../../lib/api/listen-address.js'
import { partedClaim } from '../../storage/claims.js'
import type { ReadView } from '../../storage/store.js'
import type { Strategy } from './strategy.js'

/** The ports that Tunnels have, both ends included. */
export interface TunnelPorts {
  readonly from: number
  readonly to: number
  /** Those of the control plane itself: no Tunnel has them. */
  readonly reserved: readonly number[]
}

/** As Kubernetes gives ports of nodes; reserved are those of API server and gateway. */
export const defaultTunnelPorts: TunnelPorts = { from: 30_000, to: 32_767, reserved: [6443, 6444, 2222] }

/**
 * A Tunnel gets its port in the turn in which it is written, so that no two have one protocol, address
 * and port. It keeps the port when a later manifest names none.
 */
export function tunnelStrategy(ports: TunnelPorts): Strategy {
  return {
    prepareUpdate(object, old) {
      if (specOf(object).listen.port === 0) setPort(object, specOf(old).listen.port)
    },

    settle(object, view) {
      if (specOf(object).listen.port === 0) setPort(object, freePort(object, ports, view))
    },

    claims(object) {
      return claimsOf(specOf(object))
    },
  }
}

function setPort(object: KubeObject, port: number): void {
  const spec = specOf(object)
  object.spec = { ...spec, listen: { ...spec.listen, port } }
}

const specOf = (object: KubeObject) => object.spec as TunnelSpec

function claimsOf({ protocol, listen }: Pick<TunnelSpec, 'protocol' | 'listen'>): string[] {
  const address = parseListenAddress(listen.address) ?? listen.address
  return [partedClaim(`${protocol} port ${listen.port}`, isEveryAddress(address) ? undefined : address)]
}

/** Each begins to look at a place of its own, so that a port that was given back is not given to the next. */
function freePort(object: KubeObject, { from, to, reserved }: TunnelPorts, view: ReadView): number {
  const { protocol, listen } = specOf(object)
  const size = to - from + 1
  const first = createHash('sha256').update(object.metadata.uid).digest().readUInt32BE() % size
  for (let step = 0; step < size; step++) {
    const port = from + ((first + step) % size)
    if (reserved.includes(port)) continue
    if (claimsOf({ protocol, listen: { ...listen, port } }).every((claim) => isFree(view, claim))) return port
  }
  const count = size - new Set(reserved.filter((port) => port >= from && port <= to)).size
  throw new ApiError(
    'Conflict',
    `no ${protocol} port is left for Tunnel "${object.metadata.name}": all ${count} of ${from} to ${to} are held by other Tunnels; delete one, or let the API server have a larger range (--tunnel-ports)`,
  )
}

function isFree(view: ReadView, claim: string): boolean {
  for (const _holder of view.holdersOf(Tunnel.group, Tunnel.plural, claim)) return false
  return true
}
