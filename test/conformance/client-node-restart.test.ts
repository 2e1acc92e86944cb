/** An informer of Kubernetes' own client for Node lives through kills of the API server, with the loop that its users write around it. */
import { CoreV1Api, KubeConfig, makeInformer } from '@kubernetes/client-node'
import { afterAll, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startApiServer } from '../processes/api-server.js'
import { createOwner } from '../processes/owner.js'

const owner = createOwner('client-node')
afterAll(() => owner.end(), 60_000)

it('an informer that starts again when it hears of an error has everything after the server was killed', async () => {
  const first = await startApiServer(owner)
  const config = new KubeConfig()
  config.loadFromFile(first.kubeconfig)
  const core = config.makeApiClient(CoreV1Api)
  const create = (name: string) => core.createNamespacedConfigMap({ namespace: 'default', body: { metadata: { name } } })
  const informer = makeInformer(config, '/api/v1/namespaces/default/configmaps', () =>
    core.listNamespacedConfigMap({ namespace: 'default' }),
  )
  const added: string[] = []
  let again: NodeJS.Timeout | undefined
  informer.on('add', (object) => added.push(object.metadata?.name ?? ''))
  informer.on('error', () => {
    again = setTimeout(() => void informer.start(), 50)
  })
  await create('before')
  await informer.start()
  await eventually(() => expect(added).toEqual(['before']), { timeoutMs: 30_000 })

  await first.stop('SIGKILL')
  await startApiServer(owner, { directory: first.directory, port: first.target.port })
  await create('after')
  await eventually(() => expect(added).toEqual(['before', 'after']), { timeoutMs: 30_000 })
  expect(informer.list().map((object) => object.metadata?.name)).toEqual(['before', 'after'])
  clearTimeout(again)
  await informer.stop()
})
