import { expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { IPClaim } from '../../lib/api/kinds/ip-claim.js'
import { Node } from '../../lib/api/kinds/node.js'
import { silentLogger } from '../../lib/base/log.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { runControllers } from '../run-controllers.js'
import { readPools } from './range-pools.js'

const names = (count: number) => Array.from({ length: count }, (_, index) => `n${index}`)

it('each Node has a range of its own, whoever gave it, and a Node that comes back the one of its addresses', async () => {
  await using cluster = await controlledCluster({ only: ['node-range'] })
  const { admin, until } = cluster
  const rangesOf = async () => (await admin.of(Node).list()).items.map(({ spec }) => spec.podCIDR)
  await admin.of(Node).create({ metadata: { name: 'by-hand' }, spec: { podCIDR: '172.30.1.0/24' } })
  await admin.of(Node).create({ metadata: { name: 'hollow', labels: { 'millrace.dev/hollow': 'true' } }, spec: {} })
  for (const name of names(5)) await admin.of(Node).create({ metadata: { name }, spec: {} })
  await until(async () => expect((await rangesOf()).filter(Boolean)).toHaveLength(6))
  expect((await rangesOf()).filter(Boolean).sort()).toEqual([0, 1, 2, 3, 4, 5].map((index) => `172.30.${index}.0/24`))
  const { podCIDR } = (await cluster.node('n4')).spec
  await admin.of(IPClaim).create({ metadata: { name: 'c', namespace: 'default' }, spec: { nodeName: 'n4' } })
  for (const name of ['n0', 'n1', 'n4']) await admin.of(Node).delete({ name })
  await admin.of(Node).create({ metadata: { name: 'n4' }, spec: {} })
  await until(async () => expect((await cluster.node('n4')).spec.podCIDR).toBe(podCIDR))
})

it('two controller-managers at once give no range twice; what finds none says so, and gets one when there is one', async () => {
  await using cluster = await controlledCluster({ only: [] })
  const { admin, until } = cluster
  const ending = new AbortController()
  const rangePools = readPools(['10.7.0.0/29', '10.8.0.0/28'], ['29', '30'])
  const running = [1, 2].map((identity) =>
    runControllers(
      { client: admin, clock: cluster.cluster.clock, log: silentLogger, identity: String(identity), only: ['node-range'], rangePools },
      ending.signal,
    ),
  )
  await Promise.all(names(6).map((name) => admin.of(Node).create({ metadata: { name }, spec: {} })))
  const nodes = async () => (await admin.of(Node).list()).items
  const waiting = async () => (await nodes()).filter(({ spec }) => spec.podCIDR === undefined)
  await until(async () => expect(await waiting()).toHaveLength(1))
  const given = (await nodes()).flatMap(({ spec }) => spec.podCIDR ?? []).sort()
  expect(given).toEqual(['10.7.0.0/29', '10.8.0.0/30', '10.8.0.12/30', '10.8.0.4/30', '10.8.0.8/30'])
  await until(async () => {
    const [last] = await waiting()
    expect(last && findCondition(last, 'NetworkReady')).toMatchObject({
      status: 'False',
      reason: 'RangeExhausted',
      message: expect.stringContaining('no range of addresses is left for the node in 10.7.0.0/29, 10.8.0.0/28'),
    })
  })
  const gone = (await nodes()).find(({ spec }) => spec.podCIDR === '10.7.0.0/29')
  await admin.of(Node).delete({ name: gone?.metadata.name ?? '' })
  await until(async () => expect(await waiting()).toHaveLength(0))
  ending.abort()
  await Promise.all(running)
})
