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

/** All of them that a backend has on the bridge now. */
export type BridgePortSource = (bridge: string, signal: AbortSignal) => Promise<readonly BridgePort[]>
