import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { silentLogger } from '../../lib/base/log.js'
import { createCredentialsReader } from '../../lib/client/credentials.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { createNodeConnections, type NodeConnections } from '../../lib/stream/node-connections.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type AgentListener, listenForAgents } from './agent-listener.js'

let cluster: TestCluster
let listener: AgentListener
let nodes: NodeConnections
let nodeExists: boolean
let stopping: AbortController
let agent: Promise<void>

/** An agent is connected, and judged again every few milliseconds. */
beforeEach(async () => {
  cluster = await testCluster({ tls: true })
  const read = createCredentialsReader(await cluster.configOf('system:node:n1', ['system:nodes']))
  const { ca: authority = '', certificate: cert = '', key = '' } = read()
  nodes = createNodeConnections()
  nodeExists = true
  const place = { host: '127.0.0.1', port: 0, advertiseHost: '127.0.0.1', log: silentLogger }
  listener = await listenForAgents({ ...place, authority, nodes, nodeExists: () => nodeExists, judgeEveryMs: 5 })
  stopping = new AbortController()
  agent = dialNodeStreams({
    server: `https://127.0.0.1:${listener.port}`,
    path: '/',
    tls: () => ({ ca: listener.certificate, cert, key }),
    onRequest: (_request, stream) => stream.respond({ ':status': 200 }, { endStream: true }),
    backoff: { initialMs: 1, maxMs: 5 },
    signal: stopping.signal,
  })
  await eventually(() => expect(nodes.isConnected('n1')).toBe(true))
})
afterEach(async () => {
  vi.useRealTimers()
  stopping.abort()
  await agent
  await listener.close()
  await cluster.close()
})

it('ends the connection of an agent whose Node is gone, and takes it again when there is one', async () => {
  nodeExists = false
  await eventually(() => expect(nodes.isConnected('n1')).toBe(false))
  nodeExists = true
  await eventually(() => expect(nodes.isConnected('n1')).toBe(true))
})

it('ends the connection of an agent whose certificate has run out since, and takes none with it', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 25 * 3600_000 })
  await eventually(() => expect(nodes.isConnected('n1')).toBe(false))
})
