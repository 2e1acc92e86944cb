import { Gauge, type Registry } from 'prom-client'
import type { NodeConnections } from '../lib/stream/node-connections.js'

/** What the gateway counts, for /metrics. */
export function createGatewayMetrics(registry: Registry, nodes: Pick<NodeConnections, 'size'>): void {
  new Gauge({
    name: 'millrace_gateway_nodes',
    help: 'Nodes whose agents are connected.',
    registers: [registry],
    collect() {
      this.set(nodes.size)
    },
  })
}
