/** What a gateway has counted of a Tunnel since the gateway began to listen for it. Counted there, and stored nowhere. */
export interface TunnelCounts {
  /** By udp: peers, each an address and a port. */
  readonly connections: {
    readonly open: number
    readonly total: number
    /** Ended before they reached the target. */
    readonly failed: number
  }
  /** Payload; in: from clients to the target. */
  readonly bytes: { readonly in: number; readonly out: number }
  /** By udp alone. */
  readonly datagrams?: { readonly in: number; readonly out: number; readonly dropped: number }
  /** Why a connection last failed. */
  readonly lastFailure?: { readonly time: string; readonly message: string }
}
