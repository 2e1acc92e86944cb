import { expect, it } from 'vitest'
import { createClient } from '../lib/client/create-client.js'
import { testCluster } from '../lib/testing/test-cluster.js'
import { servedKinds } from './served-kinds.js'

it('the kinds that are collected are those whose objects are stored: no views, no questions', async () => {
  await using cluster = await testCluster()
  const client = createClient(cluster.admin)
  const kinds = (await servedKinds(client, AbortSignal.timeout(60_000))).map(({ kind }) => kind)
  expect(kinds).toEqual(expect.arrayContaining(['Task', 'Node', 'Secret']))
  expect(kinds.filter((kind) => kind === 'Pod' || kind.endsWith('Review'))).toEqual([])
  await client.close()
})
