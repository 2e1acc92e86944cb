/** A node's bridge, for real: in namespaces of the test's own, with an engine, a whole cluster and an outside. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { machineAddress, type NetworkBed, networkBed, outsideAddress } from './network-bed.js'

const canHaveNamespaces = process.getuid?.() === 0
const patient = { timeoutMs: 90_000, intervalMs: 250 }

interface Listed {
  readonly items: readonly {
    readonly metadata: { readonly name: string }
    readonly spec: Record<string, string>
    readonly status?: Record<string, string>
  }[]
}

describe.skipIf(withoutDocker || !canHaveNamespaces)('the network of a node', { timeout: 300_000 }, () => {
  let bed: NetworkBed
  let bridge: string
  beforeAll(async () => {
    bed = await networkBed()
    await bed.launch('up', '--backends', 'docker', '--network', 'bridge')
  }, 300_000)
  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]()
  }, 120_000)

  const task = (name: string, command: string, spec: object = {}) => ({
    apiVersion: 'millrace.dev/v1',
    kind: 'Task',
    metadata: { name },
    spec: {
      image: bed.engine.image,
      imagePullPolicy: 'Never',
      command: ['sh', '-c', command],
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      ...spec,
    },
  })
  const forever = 'trap exit TERM; while :; do sleep 1; done'
  const list = async (plural: string) => (JSON.parse(await bed.kubectl('get', plural, '-o', 'json')) as Listed).items
  const addressOf = async (name: string) => {
    let address = ''
    await eventually(async () => {
      const found = (await list('tasks')).find(({ metadata }) => metadata.name === name)
      expect(found?.status).toMatchObject({ phase: 'Running', address: expect.stringMatching(/^172\.30\./) })
      address = found?.status?.address ?? ''
    }, patient)
    return address
  }
  const claims = async () => Object.fromEntries((await list('ipclaims')).map(({ spec, metadata }) => [spec.address, metadata.name]))
  const ping = (name: string, address: string) => bed.kubectl('exec', name, '--', 'ping', '-c', '1', '-W', '10', address)
  const remove = async (...names: string[]) => {
    await bed.kubectl('delete', 'tasks', ...names)
    await eventually(async () => expect(Object.keys(await claims())).toEqual([]), patient)
  }

  it('containers reach each other and the outside, which reaches their published ports', async () => {
    expect(await bed.inside('ip', '-br', 'link')).not.toContain('mrbr')
    const page = 'mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www'
    await bed.apply(task('a', forever), task('b', page, { ports: [{ port: 80, hostPort: 18_080 }] }))
    const [a, b] = [await addressOf('a'), await addressOf('b')]
    expect(a).not.toBe(b)
    expect(Object.keys(await claims()).sort()).toEqual([a, b].sort())
    bridge = /mrbr[0-9a-f]{8}/.exec(await bed.inside('ip', '-br', 'address'))?.[0] ?? ''
    expect(await bed.inside('ip', '-br', 'address', 'show', bridge)).toContain('172.30.0.1/16')
    await ping('a', b)
    await ping('b', a)
    await ping('a', outsideAddress)
    expect(await bed.outside('/bin/busybox', 'wget', '-q', '-O', '-', `http://${machineAddress}:18080/`)).toBe('hello\n')
    await eventually(async () => {
      const condition = await bed.kubectl('get', 'nodes', '-o', 'jsonpath={.items[0].status.conditions[?(@.type=="NetworkReady")]}')
      expect(JSON.parse(condition)).toMatchObject({ status: 'True', reason: 'BridgeReady' })
    }, patient)
  })

  it('a machine on the bridge, with an address that was reserved for it, is reached by containers and reaches them', async () => {
    const claim = {
      apiVersion: 'millrace.dev/v1',
      kind: 'IPClaim',
      metadata: { name: 'peer', namespace: 'default' },
      spec: { address: '172.30.9.9' },
    }
    await bed.apply(claim)
    const peer = `mrt-${process.pid}-p`
    await bed.inside('ip', 'netns', 'add', peer)
    try {
      await bed.inside('ip', 'link', 'add', 'peer0', 'master', bridge, 'up', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peer)
      for (const words of ['address add 172.30.9.9/16 dev eth0', 'link set eth0 up', 'route add default via 172.30.0.1'])
        await bed.inside('ip', '-n', peer, ...words.split(' '))
      await ping('a', '172.30.9.9')
      for (const target of [await addressOf('a'), outsideAddress])
        await bed.inside('ip', 'netns', 'exec', peer, '/bin/busybox', 'ping', '-c', '1', '-W', '10', target)
    } finally {
      await bed.inside('ip', 'netns', 'delete', peer)
      await bed.kubectl('delete', 'ipclaim', 'peer')
    }
  })

  it('an address outlives the agent, the engine and restarts of its Task, and no claim is left over', async () => {
    const before = { a: await addressOf('a'), b: await addressOf('b') }
    const held = await claims()
    const { pid } = JSON.parse(readFileSync(path.join(bed.directory, 'run/nodeagent.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    await bed.engine.restart()
    const [running = ''] = (await bed.docker('ps', '-q', '--filter', 'label=millrace.dev/name=a')).split('\n')
    await bed.docker('kill', running)
    await bed.launch('up', '--network', 'bridge')
    await eventually(async () => {
      const restarted = (await list('tasks')).find(({ metadata }) => metadata.name === 'a')
      expect(restarted?.status).toMatchObject({ phase: 'Running', restarts: 1 })
    }, patient)
    expect({ a: await addressOf('a'), b: await addressOf('b') }).toEqual(before)
    expect(await claims()).toEqual(held)
    await ping('a', before.b)
  })

  it('a Vps has the address that was reserved for it, at each of its starts; another that wants it waits in words', async () => {
    const claim = {
      apiVersion: 'millrace.dev/v1',
      kind: 'IPClaim',
      metadata: { name: 'fixed', namespace: 'default' },
      spec: { address: '172.30.7.7' },
    }
    const vps = (name: string) => ({
      apiVersion: 'millrace.dev/v1',
      kind: 'Vps',
      metadata: { name, namespace: 'default' },
      spec: { image: bed.engine.image, imagePullPolicy: 'Never', addressClaim: 'fixed', terminationGracePeriodSeconds: 1 },
    })
    const statusOf = async (name: string) => (await list('vpses')).find(({ metadata }) => metadata.name === name)?.status
    const running = (name: string, phase: string) =>
      eventually(
        async () => expect(await statusOf(name)).toMatchObject({ phase, ...(phase === 'Running' ? { address: '172.30.7.7' } : {}) }),
        patient,
      )
    await bed.apply(claim, vps('dev'))
    await running('dev', 'Running')
    await ping('a', '172.30.7.7')
    await bed.apply(vps('later'))
    await eventually(async () => {
      const said = await bed.kubectl('get', 'vps', 'later', '-o', 'jsonpath={.status.conditions[*].message}')
      expect(said).toMatch(/fixed.*held by Vps dev|fixed, which Vps dev holds/)
    }, patient)
    await bed.kubectl('stop', 'vps/dev')
    await running('dev', 'Stopped')
    expect((await claims())['172.30.7.7']).toBe('fixed')
    await bed.kubectl('start', 'vps/dev')
    await running('dev', 'Running')
    await expect(bed.kubectl('delete', 'ipclaim', 'fixed')).rejects.toThrow('is held by Vps "default/dev"')
    await bed.kubectl('delete', 'vps', 'dev')
    await running('later', 'Running')
    await bed.kubectl('delete', 'vps', 'later')
    await eventually(() => bed.kubectl('delete', 'ipclaim', 'fixed'), patient)
  })

  it('an address is given back when its Task has ended, or is deleted', async () => {
    await bed.apply(task('short', 'true', { restartPolicy: 'Never' }))
    await bed.kubectl('wait', 'task/short', '--for=condition=Complete', '--timeout=60s')
    await eventually(
      async () => expect((await list('ipclaims')).filter(({ metadata }) => metadata.name.startsWith('task-short-'))).toEqual([]),
      patient,
    )
    await remove('a', 'b', 'short')
  })

  it('the bridge and its rules are there again after a reboot has taken them', async () => {
    await bed.inside('ip', 'link', 'delete', bridge)
    for (const rule of (await bed.inside('iptables', '-t', 'nat', '-S', 'POSTROUTING'))
      .split('\n')
      .filter((line) => line.includes('millrace:')))
      await bed.inside('iptables', '-t', 'nat', '-D', ...rule.replaceAll('"', '').split(' ').slice(1))
    await bed.apply(task('again', forever))
    await addressOf('again')
    await ping('again', outsideAddress)
    await remove('again')
  })

  it('nothing of it is left when the cluster is purged', async () => {
    await bed.apply(task('last', forever))
    await addressOf('last')
    await bed.launch('down', '--purge')
    expect(await bed.inside('ip', '-br', 'link')).not.toContain('mr')
    for (const table of ['nat', 'filter']) expect(await bed.inside('iptables', '-t', table, '-S')).not.toContain('millrace')
    expect(await bed.docker('network', 'ls', '--format', '{{.Name}}')).not.toContain('mrbr')
  })
})
