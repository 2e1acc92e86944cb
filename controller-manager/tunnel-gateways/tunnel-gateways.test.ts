import { expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Lease, streamNamespace } from '../../lib/api/kinds/lease.js'
import { Tunnel } from '../../lib/api/kinds/tunnel.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'

const at = { namespace: 'default', name: 't' }
const entry = (name: string) => ({
  name,
  endpoint: `${name}:31000`,
  conditions: [
    { type: 'Listening', status: 'True', reason: 'Listening', message: 'it listens' },
    { type: 'TargetReady', status: 'True', reason: 'TargetRunning', message: 'it runs' },
  ],
})

it('the word of a gateway goes with its Lease, at once or when that is silent, and the endpoint with the last', async () => {
  await using cluster = await controlledCluster({ only: ['tunnel-gateways', 'node-lifecycle'] })
  const { admin, until } = cluster
  // With its second beat the controller has seen the first: from then on it sees what goes.
  const beat = async () => (await admin.of(Lease).get({ namespace: 'kube-system', name: 'millrace-node-lifecycle' })).metadata
  await until(beat)
  const { resourceVersion } = await beat()
  await until(async () => (await beat()).resourceVersion !== resourceVersion)
  const leaseOf = (name: string) => ({ namespace: streamNamespace, name })
  for (const name of ['a', 'b', 'c'])
    await admin.of(Lease).create({ metadata: leaseOf(name), spec: { holderIdentity: name, renewTime: '2026-01-01T00:00:00.000000Z' } })
  await admin.of(Tunnel).create({ metadata: at, spec: { target: { kind: 'Task', name: 'web', port: 80 } } })
  // As a gateway left it that knew of no others, and never came back.
  const old = { namespace: 'default', name: 'old' }
  await admin.of(Tunnel).create({ metadata: old, spec: { target: { kind: 'Task', name: 'web', port: 80 } } })
  await admin.of(Tunnel).mergePatch(old, { status: { endpoint: 'z:31000' } }, { subresource: 'status' })
  const gateways = ['a', 'b', 'c', 'never-announced'].map(entry)
  await admin.of(Tunnel).mergePatch(at, { status: { endpoint: 'a:31000', gateways } }, { subresource: 'status' })
  const status = async () => (await admin.of(Tunnel).get(at)).status
  const names = async () => (await status())?.gateways?.map(({ name }) => name).join()

  await admin.of(Lease).delete(leaseOf('a'))
  expect(await until(async () => (await names()) === 'b,c,never-announced')).toBeLessThan(20)
  expect(await status()).toMatchObject({ endpoint: 'b:31000' })

  const oldStatus = async () => (await admin.of(Tunnel).get(old)).status
  expect(await oldStatus()).toMatchObject({ endpoint: 'z:31000' })

  let renewals = 0
  const renewed = async () => {
    await admin.of(Lease).mergePatch(leaseOf('c'), {
      spec: { leaseTransitions: ++renewals, renewTime: `2026-01-01T00:00:00.${String(renewals).padStart(6, '0')}Z` },
    })
    return (await names()) === 'c'
  }
  expect(await until(renewed)).toBeGreaterThan(10)

  await until(async () => !(await names()))
  const last = await status()
  expect(last).not.toHaveProperty('endpoint')
  expect(findCondition({ status: last }, 'Listening')).toMatchObject({ status: 'False', reason: 'NoGateway' })

  await until(async () => !(await oldStatus())?.endpoint)
  expect(findCondition({ status: await oldStatus() }, 'Listening')).toMatchObject({ status: 'False', reason: 'NoGateway' })
})
