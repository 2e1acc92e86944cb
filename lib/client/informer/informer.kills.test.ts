/** An informer and an API server in a process of its own, on its SQLite file, that is killed again and again. */
import { homedir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { startApiServer } from '../../../test/processes/api-server.js'
import { freePort } from '../../../test/processes/free-port.js'
import { createOwner } from '../../../test/processes/owner.js'
import { ConfigMap } from '../../api/kinds/config-map.js'
import { eventually } from '../../testing/eventually.js'
import { createClient } from '../create-client.js'
import { loadKubeconfig } from '../kubeconfig/load-kubeconfig.js'
import { createInformer } from './informer.js'

const owner = createOwner('informer')
afterAll(() => owner.end())

describe('an informer', () => {
  it('has what the server has after four kills, though it never took the state anew', async () => {
    const port = await freePort()
    const directory = path.join(owner.directory, 'cluster')
    let server = await startApiServer(owner, { directory, port })
    const { config } = await loadKubeconfig({ kubeconfig: server.kubeconfig, env: {}, home: homedir() })
    const client = createClient(config)
    const stop = new AbortController()
    const maps = client.of(ConfigMap)
    const expired: unknown[] = []
    const told: string[] = []
    const informer = createInformer(client, ConfigMap, { namespace: 'default' })
    informer.subscribe({
      add: ({ metadata }) => told.push(metadata.resourceVersion),
      update: ({ metadata }) => told.push(metadata.resourceVersion),
    })
    const onFailure = (failure: unknown) => {
      if ((failure as { code?: number } | undefined)?.code === 410) expired.push(failure)
    }
    const running = informer.start(stop.signal, { backoff: { initialMs: 50, maxMs: 200 }, onFailure })
    await informer.synced()

    for (let kill = 0; kill < 4; kill++) {
      const write = async (name: string) => {
        const created = await maps.create({ metadata: { namespace: 'default', name }, data: {} })
        if (name.endsWith('0')) await maps.delete(created.metadata)
        else if (name.endsWith('1')) await maps.mergePatch(created.metadata, { data: { changed: 'yes' } })
      }
      // Some of these are cut off: their outcome is unknown, and the informer must agree with whatever it was.
      const writes = Array.from({ length: 40 }, (_, n) => write(`kill-${kill}-${n}`).catch(() => {}))
      await Promise.race(writes)
      await server.stop('SIGKILL')
      await Promise.all(writes)
      server = await startApiServer(owner, { directory, port })
    }

    const { items, metadata } = await maps.list({ namespace: 'default' })
    const last = items.map((item) => item.metadata.resourceVersion).sort((a, b) => Number(b) - Number(a))[0] ?? metadata.resourceVersion
    await informer.seen(last)
    const states = (objects: { metadata: { name: string; resourceVersion: string } }[]) =>
      objects.map((object) => `${object.metadata.name}@${object.metadata.resourceVersion}`).sort()
    await eventually(() => expect(states(informer.lister.list())).toEqual(states(items)))
    expect(items.length).toBeGreaterThan(4)
    expect(new Set(told).size).toBe(told.length)
    expect(expired).toEqual([])
    stop.abort()
    await running
    await client.close()
  })
})
