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

/** A container, by the process that it began with. */
export interface FirstProcess {
  readonly pid: number
  /** Its id, by which the process is known for sure. */
  readonly container: string
}

/** Finds the interface of the node by which a container is joined to a bridge. */
export type FindPort = (bridge: string, process: FirstProcess, signal: AbortSignal) => Promise<string | undefined>

export type BridgePortSource = (bridge: string, findPort: FindPort, signal: AbortSignal) => Promise<BridgePorts>
