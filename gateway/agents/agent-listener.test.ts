import { once } from 'node:events'
import https from 'node:https'
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { silentLogger } from '../../lib/base/log.js'
import { createCredentialsReader } from '../../lib/client/credentials.js'
import { dataKeyHeader, dataPath, dataProtocol } from '../../lib/stream/data-connection.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { createNodeConnections, type NodeConnections } from '../../lib/stream/node-connections.js'
import { nodeStreamProtocol } from '../../lib/stream/node-session.js'
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

/** What is answered to an upgrade with the certificate of a user, or with none; nothing where there is no answer. */
async function answerTo(user: string | undefined, groups: readonly string[], upgrade: string, path = '/') {
  const { certificate, key } = user === undefined ? {} : createCredentialsReader(await cluster.configOf(user, groups))()
  const headers = { connection: 'Upgrade', upgrade }
  const asked = https.get({
    host: '127.0.0.1',
    port: listener.port,
    ca: listener.certificate,
    cert: certificate,
    key,
    path,
    headers,
    agent: false,
  })
  try {
    const [{ statusCode, headers }] = await Promise.race([once(asked, 'response'), once(asked, 'upgrade')])
    return { code: statusCode, dataKey: headers[dataKeyHeader] }
  } catch {
    return {}
  }
}

describe('takes nothing', () => {
  it.each<[string, string | undefined, string[], string, number | undefined]>([
    ['from who shows no certificate', undefined, [], nodeStreamProtocol, undefined],
    ['from a user of the cluster', 'ann', ['system:masters'], nodeStreamProtocol, 403],
    ["from a user who is called as a node is, without the nodes' group", 'system:node:n1', [], nodeStreamProtocol, 403],
    ['of another sort from a node', 'system:node:n1', ['system:nodes'], 'websocket', 400],
    ['for bytes from a node that has another key', 'system:node:n1', ['system:nodes'], dataProtocol, 403],
  ])('%s', async (_case, user, groups, upgrade, code) => {
    const path = upgrade === dataProtocol ? dataPath({ key: 'another', id: '1' }) : '/'
    expect((await answerTo(user, groups, upgrade, path)).code).toBe(code)
    expect(nodes.names()).toEqual(['n1'])
  })

  it("for another node's bytes, whoever has got hold of its key", async () => {
    stopping.abort()
    await agent
    const { dataKey } = await answerTo('system:node:n1', ['system:nodes'], nodeStreamProtocol)
    const path = dataPath({ key: dataKey, id: '1' })
    expect((await answerTo('system:node:n2', ['system:nodes'], dataProtocol, path)).code).toBe(403)
    expect((await answerTo('system:node:n1', ['system:nodes'], dataProtocol, path)).code).toBe(101)
  })

  it('from an agent whose Node is not there', async () => {
    nodeExists = false
    expect((await answerTo('system:node:n1', ['system:nodes'], nodeStreamProtocol)).code).toBe(403)
  })
})

it('ends though a stranger holds a connection on which it says nothing', async () => {
  const stranger = connect({ port: listener.port, host: '127.0.0.1' })
  stranger.on('error', () => {})
  await once(stranger, 'connect')
  // Taken after it.
  await answerTo('ann', [], nodeStreamProtocol)
  const gone = once(stranger, 'close')
  await listener.close()
  await gone
})
