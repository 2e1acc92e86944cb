import type { NodePort } from './firewall.js'

/** Where a workload is joined to the bridge. */
export interface BridgePort {
  /** The interface of the node: a tap, or the node's end of a container's cable. */
  readonly interface: string
  readonly address: string
  readonly mac: string
  /** Ports of the node that lead to it. */
  readonly published: readonly NodePort[]
}

/** What a backend has on the bridge now. */
export interface BridgePorts {
  readonly ports: readonly BridgePort[]
  /** How many more there are, of which it is not known where they are joined to it. */
  readonly lost: number
}

export type BridgePortSource = (bridge: string, signal: AbortSignal) => Promise<BridgePorts>
