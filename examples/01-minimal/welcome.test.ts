import { ConfigMap, Namespace } from 'millrace/api'
import { testCluster } from 'millrace/testing'
import { expect, it } from 'vitest'
import { welcome } from './welcome.js'

it('says where one is, also to those who wrote over it', async () => {
  await using cluster = await testCluster({ controllers: [welcome] })
  await cluster.client.of(Namespace).create({ metadata: { name: 'garden' } })
  await cluster.settle()
  const configs = cluster.client.of(ConfigMap)
  const at = { namespace: 'garden', name: 'welcome' }
  expect((await configs.get(at)).data).toEqual({ text: 'This is garden.' })

  await configs.mergePatch(at, { data: { text: 'This is mine.' } })
  await cluster.settle()
  expect((await configs.get(at)).data).toEqual({ text: 'This is garden.' })
})
