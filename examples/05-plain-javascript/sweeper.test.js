// @ts-check
import { ConfigMap } from 'millrace/api'
import { testCluster } from 'millrace/testing'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sweeper } from './sweeper.js'

/** @type {import('millrace/testing').TestCluster} */
let cluster
beforeEach(async () => {
  cluster = await testCluster({ controllers: [sweeper] })
})
afterEach(() => cluster.close())

it('sweeps what has the label, when its time has come', async () => {
  const configs = cluster.client.of(ConfigMap)
  const annotations = { 'example.com/keep-seconds': '300' }
  await configs.create({ metadata: { name: 'leaflet', labels: { 'example.com/sweep': 'true' }, annotations }, data: {} })
  await configs.create({ metadata: { name: 'book', annotations }, data: {} })
  const names = async () => (await configs.list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name)

  await cluster.advance('299s')
  expect(await names()).toEqual(['book', 'leaflet'])
  await cluster.advance('1s')
  expect(await names()).toEqual(['book'])
})
