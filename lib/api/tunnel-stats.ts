/** What a gateway has counted of a Tunnel since the gateway began to listen for it. Counted there, and stored nowhere. */
export interface TunnelCounts {
  /** By udp: peers, each an address and a port. */
  readonly connections: {
    readonly open: number
    readonly total: number
    /** Ended before they reached the target. */
    readonly failed: number
    /** Beyond what a Tunnel, or one address, may have at once; by udp, datagrams that found no place. */
    readonly refused: number
  }
  /** Payload; in: from clients to the target. */
  readonly bytes: { readonly in: number; readonly out: number }
  /** By udp alone. */
  readonly datagrams?: { readonly in: number; readonly out: number; readonly dropped: number }
  /** Why a connection last failed. */
  readonly lastFailure?: { readonly time: string; readonly message: string }
}

/** What one gateway has counted. */
export interface TunnelCountsOfGateway extends TunnelCounts {
  readonly gateway: string
}

/** The answer of the subresource `stats` of a Tunnel. */
export interface TunnelStats {
  readonly apiVersion: 'millrace.dev/v1'
  readonly kind: 'TunnelStats'
  readonly metadata: { readonly name: string; readonly namespace: string }
  readonly gateways: readonly TunnelCountsOfGateway[]
}

export function printTunnelStats(namespace: string, name: string, gateways: readonly TunnelCountsOfGateway[]): TunnelStats {
  return { apiVersion: 'millrace.dev/v1', kind: 'TunnelStats', metadata: { name, namespace }, gateways }
}

/** Where a gateway is asked for its counts of a Tunnel. */
export function tunnelCountsPath(namespace: string, name: string): string {
  return `/tunnels/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}/stats`
}

/** Undefined for every other path. */
export function parseTunnelCountsPath(path: string): { readonly namespace: string; readonly name: string } | undefined {
  const [, namespace, name] = /^\/tunnels\/([^/?]+)\/([^/?]+)\/stats$/.exec(path) ?? []
  return namespace && name ? { namespace: decodeURIComponent(namespace), name: decodeURIComponent(name) } : undefined
}
