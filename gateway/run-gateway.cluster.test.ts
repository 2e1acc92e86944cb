import { once } from 'node:events'
import https from 'node:https'
import { type AddressInfo, createServer } from 'node:net'
import { connect } from 'node:tls'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lease, streamNamespace } from '../lib/api/kinds/lease.js'
import { Namespace, securityLabel } from '../lib/api/kinds/namespace.js'
import { Node } from '../lib/api/kinds/node.js'
import { Tunnel } from '../lib/api/kinds/tunnel.js'
import { readAnnouncement, type StreamAnnouncement } from '../lib/api/stream-announcement.js'
import { silentLogger } from '../lib/base/log.js'
import { createClient } from '../lib/client/create-client.js'
import { createCredentialsReader } from '../lib/client/credentials.js'
import { dataKeyHeader, dataPath, dataProtocol } from '../lib/stream/data-connection.js'
import { dialNodeStreams } from '../lib/stream/dial-node-streams.js'
import { nodeStreamProtocol } from '../lib/stream/node-session.js'
import { requestUpgrade } from '../lib/stream/request-upgrade.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { runGateway } from './start-gateway.js'

let cluster: TestCluster
const ending: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  cluster = await testCluster({ tls: true })
})
afterEach(async () => {
  await Promise.all(ending.splice(0).map((end) => end()))
  await cluster.close()
})

/** A gateway with the rights that it has in a cluster. */
async function startGateway(name = 'gw', sshPort = 0) {
  const config = await cluster.configOf('system:gateway')
  const { ca: authority = '' } = createCredentialsReader(config)()
  const stopping = new AbortController()
  const metrics = new Registry()
  const running = runGateway(
    {
      name,
      host: '127.0.0.1',
      advertiseHost: '127.0.0.1',
      agentPort: 0,
      sshPort,
      tunnelLimits: { total: 10, perAddress: 10 },
      config,
      authority,
      metrics,
      log: silentLogger,
    },
    stopping.signal,
  )
  const ended = running.then(
    () => undefined,
    (error: unknown) => error,
  )
  const stop = async () => {
    stopping.abort()
    return await ended
  }
  ending.push(stop)
  const nodes = async () => Number(/^millrace_gateway_nodes (\d+)/m.exec(await metrics.metrics())?.[1])
  return { ended, stop, nodes }
}

const leaseOf = (name = 'gw') => cluster.client.of(Lease).get({ namespace: streamNamespace, name })
const announced = (name?: string) =>
  eventually(async () => {
    const announcement = readAnnouncement(await leaseOf(name))
    if (!announcement) throw new Error('it announces nothing')
    return announcement
  })

async function dialAs(user: string, groups: string[], { server, ca }: StreamAnnouncement) {
  const { certificate = '', key = '' } = createCredentialsReader(await cluster.configOf(user, groups))()
  const stopping = new AbortController()
  const errors: string[] = []
  const seen = { connects: 0 }
  const done = dialNodeStreams({
    server,
    path: '/',
    tls: () => ({ ca, cert: certificate, key }),
    onRequest: () => {},
    onConnected: () => seen.connects++,
    onDisconnected: (error) => errors.push(error.message),
    backoff: { initialMs: 5, maxMs: 50 },
    signal: stopping.signal,
  })
  ending.push(async () => {
    stopping.abort()
    await done
  })
  return { errors, seen }
}

describe('a gateway', () => {
  it('announces itself, takes a node whose Node exists, and ends its connections when the Node is deleted', async () => {
    const gateway = await startGateway()
    const announcement = await announced()
    const agent = await dialAs('system:node:n1', ['system:nodes'], announcement)
    await eventually(() => expect(agent.errors[0]).toContain('refused the connection for streams with code 403'))
    await cluster.client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    await eventually(async () => expect(await gateway.nodes()).toBe(1))
    await cluster.client.of(Node).delete({ name: 'n1' })
    await eventually(async () => expect(await gateway.nodes()).toBe(0))
    expect(agent.seen.connects).toBe(1)
  })

  it.each<[string, string, string[]]>([
    ['a user', 'ann', []],
    ['an administrator', 'admin', ['system:masters']],
    ['a node by name alone', 'system:node:n1', []],
  ])('takes no connection of %s', async (_case, user, groups) => {
    await startGateway()
    await cluster.client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    const { errors } = await dialAs(user, groups, await announced())
    await eventually(() => expect(errors[0]).toContain('code 403'))
  })

  it('keeps no connection of whom it refuses, who leaves his half open', async () => {
    const gateway = await startGateway()
    const { server, ca } = await announced()
    const { certificate = '', key = '' } = createCredentialsReader(await cluster.configOf('ann', []))()
    const { hostname: host, port } = new URL(server)
    const stranger = connect({ host, port: Number(port), ca, cert: certificate, key, ...{ allowHalfOpen: true } })
    ending.push(async () => void stranger.destroy())
    stranger.on('error', () => {}).resume()
    stranger.write(`GET / HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: ${nodeStreamProtocol}\r\n\r\n`)
    await once(stranger, 'end')
    expect(await gateway.stop()).toBeUndefined()
  })

  it('takes data connections of the node alone that it has invited to them, and each number once', async () => {
    await startGateway()
    const { server, ca } = await announced()
    for (const name of ['n1', 'n2']) await cluster.client.of(Node).create({ metadata: { name }, spec: {} })
    const leaving = new AbortController()
    ending.push(async () => leaving.abort())
    const upgradeAs = async (node: string, path: string, protocol: string) => {
      const { certificate = '', key = '' } = createCredentialsReader(await cluster.configOf(`system:node:${node}`, ['system:nodes']))()
      const upgraded = await requestUpgrade({ server, path, protocol, tls: { ca, cert: certificate, key }, signal: leaving.signal })
      ending.push(async () => void upgraded.socket.destroy())
      upgraded.socket.on('error', () => {})
      return upgraded
    }
    const { headers } = await eventually(() => upgradeAs('n1', '/', nodeStreamProtocol))
    const key = String(headers[dataKeyHeader])
    const one = dataPath({ key, id: '1' })
    await eventually(() => upgradeAs('n2', '/', nodeStreamProtocol))
    await expect(upgradeAs('n2', one, dataProtocol)).rejects.toThrow('code 403')
    await expect(upgradeAs('n1', dataPath({ key: 'guessed', id: '1' }), dataProtocol)).rejects.toThrow('code 403')
    await upgradeAs('n1', one, dataProtocol)
    await expect(upgradeAs('n1', one, dataProtocol)).rejects.toThrow('code 403')
  })

  it('speaks with nobody who shows no certificate of the cluster', async () => {
    await startGateway()
    const { server, ca } = await announced()
    const socket = connect({ port: Number(new URL(server).port), host: '127.0.0.1', ca })
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    let heard = ''
    socket.on('data', (bytes) => {
      heard += bytes
    })
    await new Promise((resolve) => socket.once('close', resolve))
    expect(heard).toBe('')
  })

  it('answers nothing but upgrades', async () => {
    await startGateway()
    await cluster.client.of(Node).create({ metadata: { name: 'n1' }, spec: {} })
    const { server, ca } = await announced()
    const { certificate, key } = createCredentialsReader(await cluster.configOf('system:node:n1', ['system:nodes']))()
    const request = https.get(server, { ca, cert: certificate, key, agent: false })
    const [response] = await once(request, 'response')
    response.resume()
    expect(response.statusCode).toBe(404)
  })

  it('takes its Lease away at its end; the next one with its name takes a Lease over that was left', async () => {
    const first = await startGateway()
    await announced()
    await first.stop()
    await expect(leaseOf()).rejects.toMatchObject({ reason: 'NotFound' })
    await cluster.client.of(Lease).create({ metadata: { namespace: streamNamespace, name: 'gw' }, spec: { holderIdentity: 'dead' } })
    await startGateway()
    await announced()
  })

  it('has a Lease in the namespace of streams alone, and may touch no other', async () => {
    const client = createClient(await cluster.configOf('system:gateway'))
    ending.push(() => client.close())
    for (const namespace of ['kube-system', 'kube-node-lease', 'default'])
      await expect(client.of(Lease).create({ metadata: { namespace, name: 'gw' }, spec: {} })).rejects.toMatchObject({
        reason: 'Forbidden',
      })
  })
})

describe('the counts of a Tunnel', () => {
  const ask = async (user: string, groups: string[] = []) => {
    const client = createClient(await cluster.configOf(user, groups))
    ending.push(() => client.close())
    const answer = await client.raw({ method: 'GET', path: '/apis/millrace.dev/v1/namespaces/default/tunnels/t/stats' })
    return JSON.parse(await answer.text())
  }
  const aTunnel = () =>
    cluster.client.of(Tunnel).create({
      metadata: { name: 't', namespace: 'default' },
      spec: { target: { kind: 'Task', name: 'web', port: 80 }, listen: { address: '127.0.0.1' } },
    })

  it('are asked of the gateway, for who may read them', async () => {
    await aTunnel()
    await expect(ask('admin', ['system:masters'])).rejects.toMatchObject({ code: 503, message: 'no gateway is connected; is one running?' })
    await startGateway()
    await eventually(async () =>
      expect(await ask('admin', ['system:masters'])).toEqual({
        apiVersion: 'millrace.dev/v1',
        kind: 'TunnelStats',
        metadata: { name: 't', namespace: 'default' },
        gateways: [{ gateway: 'gw', connections: { open: 0, total: 0, failed: 0, refused: 0 }, bytes: { in: 0, out: 0 } }],
      }),
    )
    await expect(ask('ann')).rejects.toMatchObject({ code: 403 })
    await expect(ask('system:node:n1', ['system:nodes'])).rejects.toMatchObject({ code: 403 })
  })

  it('of a Tunnel that is not there are not found', async () => {
    await expect(ask('admin', ['system:masters'])).rejects.toMatchObject({ code: 404 })
  })

  it.each<[string, string, string[]]>([
    ['a user', 'ann', []],
    ['a node', 'system:node:n1', ['system:nodes']],
    ['the scheduler', 'system:scheduler', []],
  ])('come from no connection of %s', async (_case, user, groups) => {
    const { certificate = '', key = '', ca = '' } = createCredentialsReader(await cluster.configOf(user, groups))()
    const stopping = new AbortController()
    const refused = new Promise<Error>((resolve) => {
      const done = dialNodeStreams({
        server: cluster.url,
        path: '/apis/millrace.dev/v1/gatewaystreams/gw',
        tls: () => ({ ca, cert: certificate, key }),
        onRequest: () => {},
        onDisconnected: resolve,
        signal: stopping.signal,
      })
      ending.push(async () => {
        stopping.abort()
        await done
      })
    })
    expect((await refused).message).toContain('refused the connection for streams with code 403')
  })
})

it('a Tunnel does not take the port of the gateway itself, however often that is started', async () => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  await cluster.client.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
  const tunnels = cluster.client.of(Tunnel)
  const at = { namespace: 'default', name: 'greedy' }
  await tunnels.create({ metadata: at, spec: { target: { kind: 'Vps', name: 'mine', port: 22 }, listen: { port } } })
  for (let start = 0; start < 2; start++) {
    const gateway = await startGateway('gw', port)
    await eventually(async () => {
      const { status } = await tunnels.get(at)
      expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Listening', status: 'False', reason: 'PortTaken' }))
      expect((await announced()).sshEndpoint).toBe(`127.0.0.1:${port}`)
    })
    expect(await gateway.stop()).toBeUndefined()
  }
})
