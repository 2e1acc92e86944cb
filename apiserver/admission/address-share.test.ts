import { beforeEach, describe, expect, it } from 'vitest'
import { bodyOf, kindOf, openRegistry, type RegistryFixture } from '../registry/fixtures/open-registry.js'
import { admitAddressShare } from './address-share.js'

let fixture: RegistryFixture
beforeEach(async () => {
  fixture = await openRegistry({ admission: [admitAddressShare] })
  for (const [name, podCIDR] of [
    ['n1', '10.0.0.0/26'],
    ['small', '10.0.1.0/29'],
  ])
    await fixture.registry.create(kindOf('Node'), '', bodyOf({ metadata: { name }, spec: { podCIDR } }), fixture.admin)
})

const reserve = (name: string, namespace = 'default', nodeName = 'n1', user = 'alice') => {
  const context = fixture.as(user, { user: { name: user, groups: user.startsWith('system:node:') ? ['system:nodes'] : [] } })
  return fixture.registry.create(kindOf('IPClaim'), namespace, bodyOf({ metadata: { name }, spec: { nodeName } }), context)
}
const reserveMany = (count: number, prefix: string) =>
  Promise.allSettled(Array.from({ length: count }, (_, index) => reserve(`${prefix}${index}`)))
const remove = (name: string) => fixture.registry.delete({ kind: kindOf('IPClaim'), namespace: 'default', name }, {}, fixture.admin)

describe('the addresses of a node that a namespace may reserve', () => {
  it('are half of its range, however many are asked for at once; others have theirs, and its node claims on', async () => {
    const answers = await reserveMany(40, 'a')
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(32)
    await expect(reserve('late')).rejects.toMatchObject({
      code: 403,
      reason: 'Forbidden',
      message: expect.stringContaining('exceeded quota: the namespace default holds 32 addresses of node "n1", half of its range'),
    })
    await reserve('theirs', 'kube-system')
    await reserve('elsewhere', 'default', 'small')
    await reserve('task-web', 'default', 'n1', 'system:node:n1')
    await remove('a0')
    await remove('a1')
    await reserve('late')
  })

  it('are all of a range that is small', async () => {
    const answers = await Promise.allSettled(['a', 'b', 'c', 'd', 'e'].map((name) => reserve(name, 'default', 'small')))
    expect(answers.map(({ status }) => status)).toEqual(Array(5).fill('fulfilled'))
  })
})
