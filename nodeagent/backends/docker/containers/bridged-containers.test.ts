import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import type { FindPort } from '../../../network/bridge-port.js'
import { BridgedContainers } from './bridged-containers.js'

const bridge = 'mrbr0123abcd'
const mac = (id: string) => `52:54:00:00:00:${id}`
const listed = (id: string) => ({
  Id: id,
  Ports: [],
  NetworkSettings: { Networks: { [bridge]: { EndpointID: `joint-${id}`, IPAddress: `172.30.0.${id}`, MacAddress: mac(id) } } },
})

it('counts the containers that run and whose ports on the bridge are not found, and not those that ended meanwhile', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'mr-bc-'))
  const socketPath = path.join(folder, 's')
  const pids: Record<string, number> = { 11: 1011, 12: 1012, 13: 0 }
  const engine = createServer(({ url = '' }, response) => {
    const id = /\/containers\/(\d+)\/json/.exec(url)?.[1]
    const answer = id === undefined ? Object.keys(pids).map(listed) : { Id: id, State: { Pid: pids[id] } }
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  }).listen(socketPath)
  await once(engine, 'listening')
  try {
    const asked: string[] = []
    const findPort: FindPort = async (on, { pid, container }) => {
      asked.push(`${on} ${pid} ${container}`)
      return pid === 1011 ? 'veth7' : undefined
    }
    const containers = await BridgedContainers.open({ socketPath, agent: 'agent' })
    const expected = { ports: [{ interface: 'veth7', address: '172.30.0.11', mac: mac('11'), published: [] }], lost: 1 }
    expect(await containers.ports(bridge, findPort, AbortSignal.timeout(60_000))).toEqual(expected)
    expect(asked.splice(0)).toEqual([`${bridge} 1011 11`, `${bridge} 1012 12`])
    // What was found is not asked for again.
    expect(await containers.ports(bridge, findPort, AbortSignal.timeout(60_000))).toEqual(expected)
    expect(asked).toEqual([`${bridge} 1012 12`])
  } finally {
    engine.closeAllConnections()
    engine.close()
    await rm(folder, { recursive: true, force: true })
  }
})
