import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { clusterDirectory } from './cluster-directory.js'
import type { ClusterRecord } from './cluster-record.js'
import { settle } from './cluster-settings.js'
import { isPortFree } from './free-port.js'

const directory = clusterDirectory('/data/x')
const nothing = {
  port: undefined,
  gatewayPort: undefined,
  sshPort: undefined,
  backends: undefined,
  hollowNodes: undefined,
  network: undefined,
  gatewayHost: undefined,
  agentConfig: undefined,
}
const record: ClusterRecord = {
  format: 1,
  version: '0.1.0',
  port: 1,
  gatewayPort: 2,
  sshPort: 3,
  backends: ['process'],
  hollowNodes: 2,
  network: 'bridge',
  gatewayHost: '0.0.0.0',
  agentConfig: '',
  nodeName: 'n',
  complete: true,
}
const all = ['apiserver', 'gateway'] as const
const noDocker = async () => false
const servers: { close(): void }[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return (server.address() as { port: number }).port
}

describe('settle', () => {
  it('takes a free port from 6443 on, and docker when it answers', async () => {
    const settings = await settle(nothing, undefined, directory, [], async () => true)
    expect(settings.backends).toEqual(['process', 'docker'])
    expect(settings.port).toBeGreaterThanOrEqual(6443)
    expect(await isPortFree(settings.port, '127.0.0.1')).toBe(true)
  })

  it('keeps what the cluster was made with', async () => {
    expect(await settle(nothing, record, directory, all, async () => true)).toEqual({
      port: 1,
      gatewayPort: 2,
      sshPort: 3,
      backends: ['process'],
      hollowNodes: 2,
      network: 'bridge',
      gatewayHost: '0.0.0.0',
      agentConfig: '',
    })
  })

  it('lets the command line win', async () => {
    const asked = { ...nothing, backends: ['docker'], hollowNodes: 0 }
    expect(await settle(asked, record, directory, all, noDocker)).toMatchObject({ backends: ['docker'], hollowNodes: 0 })
  })

  it('says what to do when the port that was asked for is taken', async () => {
    const port = await takenPort()
    await expect(settle({ ...nothing, port }, undefined, directory, [], noDocker)).rejects.toThrow(
      `Port ${port} is taken by another program. End that program, or choose`,
    )
  })

  it("says what to do when the cluster's own port is taken", async () => {
    const port = await takenPort()
    await expect(settle(nothing, { ...record, port }, directory, [], noDocker)).rejects.toThrow('was made on it')
  })

  it('takes another port when the first start never went through', async () => {
    const port = await takenPort()
    const settings = await settle(nothing, { ...record, port, complete: false }, directory, [], noDocker)
    expect(settings.port).not.toBe(port)
  })

  it('gives a cluster of a version without a gateway a port for it, and no port twice', async () => {
    const { gatewayPort: _none, sshPort: _neither, ...earlier } = record
    const before = { ...earlier, port: 6444 }
    const settings = await settle({ ...nothing, backends: ['process'] }, before, directory, ['apiserver'], noDocker)
    expect(settings.port).toBe(6444)
    expect(settings.gatewayPort).toBeGreaterThan(6444)
    expect(settings.sshPort).toBeGreaterThanOrEqual(2222)
    await expect(settle({ ...nothing, gatewayPort: 6444 }, before, directory, ['apiserver'], noDocker)).rejects.toThrow(
      'another program of the cluster has this port',
    )
  })

  it('does not move a running cluster', async () => {
    await expect(settle({ ...nothing, port: 7000 }, record, directory, all, noDocker)).rejects.toThrow(
      'runs on port 1. To move it to port 7000, end it first',
    )
    await expect(settle({ ...nothing, gatewayPort: 7000 }, record, directory, all, noDocker)).rejects.toThrow(
      'listens on port 2. To move it to port 7000, end it first',
    )
  })

  it.each([
    [{ ...nothing, backends: ['podman'] }, '"podman" is not known'],
    [{ ...nothing, backends: [] }, 'names no backend'],
    [{ ...nothing, port: 70_000 }, 'from 1 to 65535'],
    [{ ...nothing, hollowNodes: -1 }, '0 or more'],
    [{ ...nothing, gatewayHost: 'gate' }, '--gateway-host takes an address of this machine'],
    [{ ...nothing, agentConfig: '/nowhere/agent.yaml' }, 'there is no file /nowhere/agent.yaml'],
    [{ ...nothing, network: 'vlan' }, '--network: "vlan" is not known; there are auto, bridge, none'],
  ])('refuses %j', async (asked, message) => {
    await expect(settle(asked, undefined, directory, [], noDocker)).rejects.toThrow(message)
  })
})
