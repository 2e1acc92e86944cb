import { KubeConfig } from '@kubernetes/client-node'
import { ConfigMap, Namespace } from 'millrace/api'
import { eventually, testCluster } from 'millrace/testing'
import { expect, it } from 'vitest'
import { welcome } from './welcome.js'

it('says where one is, also to those who wrote over it', async () => {
  await using cluster = await testCluster()
  const config = new KubeConfig()
  config.loadFromClusterAndUser({ name: 'test', server: cluster.url, skipTLSVerify: true }, { name: 'admin' })
  const stop = new AbortController()
  const stopped = welcome(config, stop.signal)

  await cluster.client.of(Namespace).create({ metadata: { name: 'orchard' } })
  const configs = cluster.client.of(ConfigMap)
  const at = { namespace: 'orchard', name: 'welcome' }
  const said = async () => expect((await configs.get(at)).data).toEqual({ text: 'This is orchard.' })
  await eventually(said)

  await configs.mergePatch(at, { data: { text: 'This is mine.' } })
  await eventually(said)
  stop.abort()
  await stopped
})
