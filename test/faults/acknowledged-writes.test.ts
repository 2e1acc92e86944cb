/**
 * What was acknowledged is there after kill -9, no revision is used twice, and a watch that resumes through it all sees every change
 * exactly once. The long form: 10,000 writes over 200 kills.
 */
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { openConnection } from '../processes/connection.js'
import { freePort } from '../processes/free-port.js'
import { createOwner } from '../processes/owner.js'
import { recordWatch } from './recorded-watch.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const [kills, writes] = long ? [200, 10_000] : [6, 400]
const lanes = 8
const configMaps = '/api/v1/namespaces/default/configmaps'

const owner = createOwner('kills')
afterAll(() => owner.end())

describe('acknowledged writes', () => {
  it(`survive ${kills} kills of the API server`, { timeout: long ? 1_800_000 : 600_000 }, async () => {
    const port = await freePort()
    const directory = path.join(owner.directory, 'cluster')
    let server: ApiServer = await startApiServer(owner, { directory, port })
    let done = false
    const acknowledged = new Map<string, number>()
    const deleted = new Set<string>()
    let killed = 0

    const lane = async (number: number) => {
      let connection = await reconnect()
      for (let sequence = 0; !done; sequence++) {
        const name = `lane-${number}-${sequence}`
        try {
          const created = await connection.request('POST', configMaps, configMap(name, 'first'))
          if (created.status === 201) acknowledged.set(name, revisionOf(created.body))
          if (sequence % 3 === 1) {
            const updated = await connection.request('PUT', `${configMaps}/${name}`, configMap(name, 'second'))
            if (updated.status === 200) acknowledged.set(name, revisionOf(updated.body))
          }
          if (sequence % 3 === 2) {
            const gone = await connection.request('DELETE', `${configMaps}/${name}`)
            acknowledged.delete(name)
            if (gone.status === 200) deleted.add(name)
          }
        } catch {
          if (sequence % 3 === 2) acknowledged.delete(name)
          connection = await reconnect()
        }
      }
      connection.close()
    }
    const reconnect = async () => {
      for (;;) {
        try {
          return await openConnection(server.target)
        } catch (error) {
          if (done) throw error
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
    }

    const watch = recordWatch(() => server.target, configMaps)
    const writers = Array.from({ length: lanes }, (_unused, number) => lane(number).catch(() => undefined))
    const total = () => acknowledged.size + deleted.size
    while (killed < kills || total() < writes) {
      const until = total() + Math.max(1, Math.floor(writes / kills))
      const deadline = performance.now() + 5_000
      while (total() < until && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 40))
      await server.stop('SIGKILL')
      killed++
      server = await startApiServer(owner, { directory, port })
    }
    done = true
    await Promise.all(writers)

    const connection = await openConnection(server.target)
    const answer = await connection.request('GET', configMaps)
    const list = JSON.parse(answer.body.toString()) as {
      metadata: { resourceVersion: string }
      items: { metadata: { name: string; resourceVersion: string } }[]
    }
    const present = new Map(list.items.map(({ metadata }) => [metadata.name, Number(metadata.resourceVersion)]))
    expect([...acknowledged].filter(([name, revision]) => (present.get(name) ?? 0) < revision)).toEqual([])
    expect([...deleted].filter((name) => present.has(name))).toEqual([])
    expect(new Set(acknowledged.values()).size).toBe(acknowledged.size)

    const events = await watch.upTo(Number(list.metadata.resourceVersion))
    connection.close()
    await server.stop()
    const revisions = events.map((event) => event.revision)
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b))
    const replayed = new Map<string, number>()
    for (const { type, name, revision } of events) {
      expect(type === 'ADDED').toBe(!replayed.has(name))
      if (type === 'DELETED') replayed.delete(name)
      else replayed.set(name, revision)
    }
    expect([...replayed].sort()).toEqual([...present].sort())

    const verified = execFileSync(process.execPath, [path.join(owner.build, 'dist/apiserver/main.js'), 'verify', '--data-dir', directory], {
      encoding: 'utf8',
    })
    expect(verified).toMatch(/^the store is consistent: \d+ objects/)
  })
})

const configMap = (name: string, value: string) =>
  Buffer.from(JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } }))
const revisionOf = (body: Buffer) =>
  Number((JSON.parse(body.toString()) as { metadata: { resourceVersion: string } }).metadata.resourceVersion)
