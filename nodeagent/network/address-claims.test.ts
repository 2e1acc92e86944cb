import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IPClaim } from '../../lib/api/kinds/ip-claim.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { type ClaimContext, claimNameOf, makeClaim, releaseClaims, takeClaim } from './address-claims.js'
import type { AddressHolder } from './node-network.js'

let cluster: TestCluster
let admin: Client
let node: ClaimContext
const { signal } = new AbortController()
const namespace = 'default'

beforeAll(async () => {
  cluster = await testCluster()
  admin = cluster.client
  await admin.of(Node).create({ metadata: { name: 'n1' }, spec: { podCIDR: '10.0.0.0/29' } })
  node = { client: createClient(await cluster.configOf('system:node:n1', ['system:nodes'])), nodeName: 'n1' }
})
afterAll(async () => {
  await node.client.close()
  await cluster.close()
})

const aTask = async (name: string): Promise<AddressHolder> => {
  const { metadata } = await admin.of(Task).create({ metadata: { name, namespace }, spec: { image: 'busybox', nodeName: 'n1' } })
  return { kind: 'Task', name, namespace, uid: metadata.uid }
}
const aVps = async (name: string, addressClaim?: string): Promise<AddressHolder> => {
  const spec = { image: 'debian', nodeName: 'n1', ...(addressClaim ? { addressClaim } : {}) }
  const { metadata } = await admin.of(Vps).create({ metadata: { name, namespace }, spec })
  return { kind: 'Vps', name, namespace, uid: metadata.uid }
}
const names = async () => (await admin.of(IPClaim).list({ namespace })).items.map(({ metadata }) => metadata.name)

describe('the address of a workload', () => {
  it('is the same for an agent that was killed after it had claimed it, and goes with its owner or by its agent', async () => {
    const holder = await aTask('web-1')
    const address = await makeClaim(node, holder, signal)
    expect(await makeClaim(node, holder, signal)).toBe(address)
    const [claim] = (await admin.of(IPClaim).list({ namespace })).items
    expect(claim?.metadata.ownerReferences).toMatchObject([{ kind: 'Task', uid: holder.uid }])
    expect(claim?.metadata.name).toBe(claimNameOf(holder, 'n1'))
    await releaseClaims(node, holder, signal)
    expect(await names()).toEqual([])
    await releaseClaims(node, holder, signal)
  })

  it('that was reserved is taken by one, for which the other waits in words', async () => {
    const [first, second] = [await aVps('first', 'mine'), await aVps('second', 'mine')]
    await expect(takeClaim(node, first, 'mine', signal)).rejects.toThrow('there is no IPClaim mine with an address of node n1')
    await admin.of(IPClaim).create({ metadata: { name: 'mine', namespace }, spec: { address: '10.0.0.4' } })
    expect(await takeClaim(node, first, 'mine', signal)).toBe('10.0.0.4')
    expect(await takeClaim(node, first, 'mine', signal)).toBe('10.0.0.4')
    await expect(takeClaim(node, second, 'mine', signal)).rejects.toMatchObject({
      reason: 'AddressUnavailable',
      retryable: true,
      message: 'waits for the IPClaim mine, which Vps first holds',
    })
    await releaseClaims(node, first, signal)
    expect(await takeClaim(node, second, 'mine', signal)).toBe('10.0.0.4')
    await releaseClaims(node, second, signal)
    expect((await admin.of(IPClaim).get({ namespace, name: 'mine' })).spec).toEqual({ nodeName: 'n1', address: '10.0.0.4' })
    await admin.of(IPClaim).delete({ namespace, name: 'mine' })
  })

  it('is refused in words when the range is full, or somebody took the name of its claim', async () => {
    const holders = await Promise.all(Array.from({ length: 5 }, (_, index) => aTask(`full-${index}`)))
    await Promise.all(holders.map((holder) => makeClaim(node, holder, signal)))
    const late = await aTask('late')
    await expect(makeClaim(node, late, signal)).rejects.toMatchObject({
      reason: 'AddressUnavailable',
      message: expect.stringContaining('all 5 addresses of node "n1" are claimed'),
    })
    await Promise.all(holders.map((holder) => releaseClaims(node, holder, signal)))
    await admin.of(IPClaim).create({ metadata: { name: claimNameOf(late, 'n1'), namespace }, spec: { nodeName: 'n1' } })
    await expect(makeClaim(node, late, signal)).rejects.toMatchObject({ message: expect.stringContaining('is in the way') })
  })
})
