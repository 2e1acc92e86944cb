import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gatewayHostKey } from '../lib/api/gateway-host-key.js'
import { Event } from '../lib/api/kinds/event.js'
import { Lease, streamNamespace } from '../lib/api/kinds/lease.js'
import { Secret } from '../lib/api/kinds/secret.js'
import { Task } from '../lib/api/kinds/task.js'
import { Tunnel } from '../lib/api/kinds/tunnel.js'
import { Vps } from '../lib/api/kinds/vps.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'

let cluster: TestCluster
let gateway: Client
const at = { namespace: 'default', name: 'mine' }
const status = { subresource: 'status' } as const

beforeAll(async () => {
  cluster = await testCluster()
  gateway = createClient(await cluster.configOf('system:gateway'))
  await cluster.client.of(Vps).create({ metadata: at, spec: { image: 'debian:12', ssh: { mode: 'generate' } } })
  await cluster.client.of(Task).create({ metadata: at, spec: { image: 'web' } })
  await cluster.client.of(Tunnel).create({ metadata: at, spec: { target: { kind: 'Vps', name: 'mine', port: 80 } } })
  await cluster.client.of(Secret).create({ metadata: { ...at, namespace: 'kube-system' }, stringData: { a: 'b' } })
  await cluster.client.of(Event).create({ metadata: at, involvedObject: { ...at, apiVersion: 'millrace.dev/v1', kind: 'Task' } })
})
afterAll(async () => {
  await gateway.close()
  await cluster.close()
})

const about = (kind: string, apiVersion = 'millrace.dev/v1') => ({
  metadata: { namespace: 'default', name: `about-${kind.toLowerCase()}.${apiVersion.replace('/', '.')}` },
  involvedObject: { apiVersion, kind, ...at },
})

describe('a gateway', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['reads what people reach through it', () => Promise.all([Task, Vps, Tunnel].map((kind) => gateway.of(kind as typeof Task).list()))],
    ['says how people log in', () => gateway.of(Vps).mergePatch(at, { status: { sshCommand: 'ssh dev', sshHostKey: 'key' } }, status)],
    ['says where it listens', () => gateway.of(Tunnel).mergePatch(at, { status: { observedGeneration: 1 } }, status)],
    ['reports about Vpses', () => gateway.of(Event).create(about('Vps'))],
    ['reports about Tunnels', () => gateway.of(Event).create(about('Tunnel'))],
    ['announces itself', () => gateway.of(Lease).create({ metadata: { namespace: streamNamespace, name: 'gw' }, spec: {} })],
    [
      'fills the Secret of its host key, which is there',
      async () => gateway.of(Secret).update({ ...(await gateway.of(Secret).get(gatewayHostKey)), stringData: { 'ssh-publickey': 'x' } }),
    ],
  ])('%s', async (_case, write) => {
    await expect(write()).resolves.toBeDefined()
  })

  it.each<[string, () => Promise<unknown>]>([
    ['makes a Secret', () => gateway.of(Secret).create({ metadata: { namespace: 'kube-system', name: 'new' } })],
    ['reads another Secret', () => gateway.of(Secret).get({ namespace: 'kube-system', name: 'mine' })],
    ['reads all Secrets', () => gateway.of(Secret).list({ namespace: 'kube-system' })],
    ['deletes its own', () => gateway.of(Secret).delete(gatewayHostKey)],
    [
      'writes one of the same name elsewhere',
      () => gateway.of(Secret).create({ metadata: { namespace: 'default', name: gatewayHostKey.name } }),
    ],
    ['says whose key opens a Vps', () => gateway.of(Vps).mergePatch(at, { status: { sshPublicKey: 'ssh-ed25519 AAAA' } }, status)],
    ['says that a Vps runs', () => gateway.of(Vps).mergePatch(at, { status: { phase: 'Running' } }, status)],
    ['says where a Vps is', () => gateway.of(Vps).mergePatch(at, { status: { address: '203.0.113.9' } }, status)],
    [
      'applies',
      () =>
        gateway
          .of(Tunnel)
          .apply({ metadata: at, status: { observedGeneration: 2 } } as never, { ...status, fieldManager: 'g', force: true }),
    ],
    ['changes a Vps', () => gateway.of(Vps).mergePatch(at, { spec: { ssh: { mode: 'disabled' } } })],
    ['changes a Tunnel', () => gateway.of(Tunnel).mergePatch(at, { spec: { target: { name: 'other' } } })],
    ['deletes a Tunnel', () => gateway.of(Tunnel).delete(at)],
    ['reports about Tasks', () => gateway.of(Event).create(about('Task'))],
    ['reports about Secrets', () => gateway.of(Event).create(about('Secret', 'v1'))],
    ['reports about another Vps than ours', () => gateway.of(Event).create(about('Vps', 'example.com/v1'))],
    ['rewrites what others report', () => gateway.of(Event).mergePatch(at, { message: 'all is well' })],
    ['takes what others report for its own', () => gateway.of(Event).mergePatch(at, { involvedObject: { kind: 'Vps' } })],
    ['has a Lease elsewhere', () => gateway.of(Lease).create({ metadata: { namespace: 'kube-system', name: 'gw' }, spec: {} })],
  ])('never %s', async (_case, write) => {
    await expect(write()).rejects.toMatchObject({ reason: 'Forbidden' })
  })
})
