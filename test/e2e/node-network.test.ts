/** A node's bridge, for real: in namespaces of the test's own, with an engine, a whole cluster and an outside. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IPClaim } from '../../lib/api/kinds/ip-claim.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { Client } from '../../lib/client/client.js'
import { eventually } from '../../lib/testing/eventually.js'
import { withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { machineAddress, type NetworkBed, networkBed, outsideAddress } from '../processes/network-bed.js'

const canHaveNamespaces = process.getuid?.() === 0
const patient = { timeoutMs: 90_000, intervalMs: 50 }
const namespace = 'default'
const busybox = '/bin/busybox'

describe.skipIf(withoutDocker || !canHaveNamespaces)('the network of a node', { timeout: 300_000 }, () => {
  let bed: NetworkBed
  let client: Client
  let bridge: string
  beforeAll(async () => {
    bed = await networkBed()
    await bed.launch('up', '--backends', 'docker', '--network', 'bridge')
    client = await bed.connect()
  }, 300_000)
  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]()
  }, 120_000)

  const forever = 'trap exit TERM; while :; do sleep 1; done'
  const run = (name: string, command: string, spec: Partial<TaskManifest['spec']> = {}) =>
    client.of(Task).create({
      metadata: { name, namespace },
      spec: {
        image: bed.engine.image,
        imagePullPolicy: 'Never',
        command: ['sh', '-c', command],
        restartPolicy: 'Always',
        terminationGracePeriodSeconds: 1,
        ...spec,
      },
    })
  const addressOf = async (name: string) => {
    let address = ''
    await eventually(async () => {
      const { status } = await client.of(Task).get({ namespace, name })
      expect(status).toMatchObject({ phase: 'Running', address: expect.stringMatching(/^172\.30\./) })
      address = status?.address ?? ''
    }, patient)
    return address
  }
  const claims = async () =>
    Object.fromEntries(
      (await client.of(IPClaim).list({ namespace })).items.map(({ spec, metadata }) => [spec.address ?? '', metadata.name]),
    )
  const containerOf = async (name: string) => (await bed.docker('ps', '-q', '--filter', `label=millrace.dev/name=${name}`)).trim()
  /** Runs a program of busybox in the container. */
  const within = async (name: string, ...words: string[]) => bed.docker('exec', await containerOf(name), ...words)
  const ping = (name: string, address: string) => within(name, 'ping', '-c', '1', '-W', '10', address)
  const page = (address: string) => ['timeout', '2', 'wget', '-q', '-O', '-', `http://${address}`]
  /** What a program said that failed, or that its time was over. */
  const failure = async (program: Promise<string>) => {
    const error = (await program.then(
      (stdout) => ({ stdout, stderr: 'it did not fail' }),
      (reason: unknown) => reason,
    )) as { stdout: string; stderr: string; code?: number; signal?: string }
    return error.code === 143 || error.signal === 'SIGTERM' ? 'timed out' : `${error.stdout}${error.stderr}`
  }
  const remove = async (...names: string[]) => {
    await Promise.all(names.map((name) => client.of(Task).delete({ namespace, name })))
    await eventually(async () => expect(Object.keys(await claims())).toEqual([]), patient)
  }
  /** How many packets or frames have met the rules that match. */
  const counted = async (program: 'iptables-save' | 'ebtables-save', rule: RegExp) => {
    const lines = (await bed.inside(program, '-c')).split('\n').filter((line) => rule.test(line))
    expect(lines).not.toEqual([])
    return lines.reduce((sum, line) => sum + Number(/^\[(\d+):/.exec(line)?.[1]), 0)
  }

  it('containers reach each other and the outside, which reaches their published ports', async () => {
    expect(await bed.inside('ip', '-br', 'link')).not.toContain('mrbr')
    const serve = 'mkdir /www; echo hello > /www/index.html; exec httpd -f -p 80 -h /www'
    await Promise.all([run('a', forever), run('b', serve, { ports: [{ port: 80, hostPort: 18_080, protocol: 'TCP' }] })])
    const [a, b] = [await addressOf('a'), await addressOf('b')]
    expect(a).not.toBe(b)
    expect(Object.keys(await claims()).sort()).toEqual([a, b].sort())
    bridge = /mrbr[0-9a-f]{8}/.exec(await bed.inside('ip', '-br', 'address'))?.[0] ?? ''
    expect(await bed.inside('ip', '-br', 'address', 'show', bridge)).toMatch(/UP\s+172\.30\.0\.1\/16\s*$/)
    await Promise.all([ping('a', b), ping('b', a), ping('a', outsideAddress)])
    await eventually(async () => expect(await bed.outside(busybox, ...page(`${machineAddress}:18080`))).toBe('hello\n'), patient)
    await eventually(async () => {
      const [node] = (await client.of(Node).list()).items
      const condition = node?.status?.conditions?.find(({ type }) => type === 'NetworkReady')
      expect(condition).toMatchObject({ status: 'True', reason: 'BridgeReady', message: expect.not.stringContaining('not kept from') })
    }, patient)
  })

  it('containers reach what the node publishes, and nothing else that listens on it', async () => {
    await bed.inside(busybox, 'httpd', '-p', '18999', '-h', '/etc')
    expect(await bed.outside(busybox, ...page(`${machineAddress}:18999/hostname`))).not.toBe('')
    for (const address of ['172.30.0.1', machineAddress]) {
      expect(await within('a', ...page(`${address}:18080`))).toBe('hello\n')
      expect(await failure(within('a', ...page(`${address}:18999`)))).toContain('refused')
    }
    await ping('a', '172.30.0.1')
  })

  it('what answers a machine about itself answers no container', async () => {
    await bed.outside('ip', 'address', 'add', '169.254.169.254/32', 'dev', 'lo')
    await bed.outside(busybox, 'httpd', '-p', '169.254.169.254:80', '-h', '/etc')
    expect(await bed.inside(busybox, ...page('169.254.169.254/hostname'))).not.toBe('')
    expect(await failure(within('a', ...page('169.254.169.254/hostname')))).toContain('timed out')
    expect(await counted('iptables-save', /-d 169\.254\.0\.0\/16 .*-j DROP/)).toBeGreaterThan(0)
  })

  it('the outside does not come in by a route through the node', async () => {
    const stopped = /! -i mrbr\w+ -o mrbr\w+ .*-j DROP/
    const before = await counted('iptables-save', stopped)
    await bed.outside('ip', 'route', 'add', '172.30.0.0/16', 'via', machineAddress)
    expect(await failure(bed.outside(busybox, ...page(await addressOf('b'))))).toContain('timed out')
    expect(await counted('iptables-save', stopped)).toBeGreaterThan(before)
    expect(await bed.outside(busybox, ...page(`${machineAddress}:18080`))).toBe('hello\n')
    await ping('a', outsideAddress)
  })

  it('a container speaks with no address but its own', async () => {
    const { pid } = JSON.parse(await bed.docker('inspect', '-f', '{"pid":{{.State.Pid}}}', await containerOf('a'))) as { pid: number }
    const inA = (...words: string[]) => bed.inside('nsenter', `--net=/proc/${pid}/ns/net`, ...words)
    const strange = ['172.30.77.77', await addressOf('b'), '10.66.0.1']
    const dropped = /-A mrbr\w+-port-\w+ -i veth\w+ -j DROP/
    for (const address of strange) {
      const before = await counted('ebtables-save', dropped)
      await inA('ip', 'address', 'add', `${address}/32`, 'dev', 'eth0')
      expect(await failure(inA(busybox, 'ping', '-c', '1', '-W', '1', '-I', address, '172.30.0.1'))).toContain('100% packet loss')
      await inA('ip', 'address', 'del', `${address}/32`, 'dev', 'eth0')
      expect(await counted('ebtables-save', dropped)).toBeGreaterThan(before)
    }
    await ping('a', await addressOf('b'))
  })

  it('a machine on the bridge, with an address that was reserved for it, is reached by containers and reaches them', async () => {
    await client.of(IPClaim).create({ metadata: { name: 'peer', namespace }, spec: { address: '172.30.9.9' } })
    const peer = `mrt-${process.pid}-p`
    await bed.inside('ip', 'netns', 'add', peer)
    const inPeer = (...words: string[]) => bed.inside('ip', 'netns', 'exec', peer, ...words)
    try {
      await bed.inside('ip', 'link', 'add', 'peer0', 'master', bridge, 'up', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', peer)
      for (const words of ['link set lo up', 'address add 172.30.9.9/16 dev eth0', 'link set eth0 up', 'route add default via 172.30.0.1'])
        await bed.inside('ip', '-n', peer, ...words.split(' '))
      await ping('a', '172.30.9.9')
      for (const target of [await addressOf('a'), outsideAddress]) await inPeer(busybox, 'ping', '-c', '1', '-W', '10', target)
      const foreign = /-A mrbr\w+-prer-\w+ -i mrbr\w+ -j DROP/
      expect(await counted('iptables-save', foreign)).toBe(0)
      await inPeer('ip', 'address', 'add', '10.66.0.1/32', 'dev', 'lo')
      expect(await failure(inPeer(busybox, 'ping', '-c', '1', '-W', '1', '-I', '10.66.0.1', outsideAddress))).toContain('100% packet loss')
      expect(await counted('iptables-save', foreign)).toBeGreaterThan(0)
    } finally {
      await bed.inside('ip', 'netns', 'delete', peer)
      await client.of(IPClaim).delete({ namespace, name: 'peer' })
    }
  })

  const vpses = () => client.of(Vps)
  /** Resolves with its address. */
  const vpsIn = async (name: string, phase: string, starts: number) => {
    let address: string | undefined
    await eventually(async () => {
      const { status } = await vpses().get({ namespace, name })
      expect(status, JSON.stringify(status)).toMatchObject({ phase, starts })
      address = status?.address
    }, patient)
    return address ?? ''
  }

  it('an address outlives the agent, the engine and restarts of its Task or Vps, and rules that were flushed are there again', async () => {
    await vpses().create({
      metadata: { name: 'own', namespace },
      spec: { image: bed.engine.image, imagePullPolicy: 'Never', terminationGracePeriodSeconds: 1 },
    })
    const own = await vpsIn('own', 'Running', 1)
    const before = { a: await addressOf('a'), b: await addressOf('b') }
    const held = await claims()
    const { pid } = JSON.parse(readFileSync(path.join(bed.directory, 'run/nodeagent.json'), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
    const rules = async () => `${await bed.inside('iptables-save')}${await bed.inside('ebtables-save')}`
    const jumps = async () => (await rules()).match(new RegExp(`^-A [A-Z]+ .*-j ${bridge}-`, 'gm'))?.length
    expect(await jumps()).toBe(6)
    for (const chain of ['raw PREROUTING', 'mangle FORWARD', 'nat POSTROUTING', 'filter INPUT'])
      await bed.inside('iptables', '-t', chain.split(' ')[0] ?? '', '-F', chain.split(' ')[1] ?? '')
    await bed.inside('ebtables', '-t', 'nat', '-F')
    await bed.engine.restart()
    await bed.docker('kill', await containerOf('a'))
    await bed.launch('up', '--network', 'bridge')
    await eventually(async () => {
      const { status } = await client.of(Task).get({ namespace, name: 'a' })
      expect(status).toMatchObject({ phase: 'Running', restarts: 1 })
    }, patient)
    expect({ a: await addressOf('a'), b: await addressOf('b') }).toEqual(before)
    expect(await claims()).toEqual(held)
    expect(held).toHaveProperty([own])
    await ping('a', before.b)
    expect(await vpsIn('own', 'Running', 1)).toBe(own)
    for (const [running, phase, starts] of [
      [false, 'Stopped', 1],
      [true, 'Running', 2],
    ] as const) {
      await vpses().mergePatch({ namespace, name: 'own' }, { spec: { running } })
      await vpsIn('own', phase, starts)
      expect(await claims()).toEqual(held)
    }
    expect(await vpsIn('own', 'Running', 2)).toBe(own)
    await ping('a', own)
    await ping('a', outsideAddress)
    await eventually(async () => expect(await jumps()).toBe(6), patient)
    await eventually(async () => expect((await rules()).match(/-i veth\w+ -j mrbr\w+-port-/g)).toHaveLength(3), patient)
    await vpses().delete({ namespace, name: 'own' })
    await eventually(async () => expect(await claims()).not.toHaveProperty([own]), patient)
  })

  it('a Vps has the address that was reserved for it, at each of its starts; another that wants it waits in words', async () => {
    const create = (name: string) =>
      client.of(Vps).create({
        metadata: { name, namespace },
        spec: { image: bed.engine.image, imagePullPolicy: 'Never', addressClaim: 'fixed', terminationGracePeriodSeconds: 1 },
      })
    const wish = (running: boolean) => client.of(Vps).mergePatch({ namespace, name: 'dev' }, { spec: { running } })
    const becomes = (name: string, phase: string) =>
      eventually(async () => {
        const { status } = await client.of(Vps).get({ namespace, name })
        expect(status).toMatchObject({ phase, ...(phase === 'Running' ? { address: '172.30.7.7' } : {}) })
      }, patient)
    await client.of(IPClaim).create({ metadata: { name: 'fixed', namespace }, spec: { address: '172.30.7.7' } })
    await create('dev')
    await becomes('dev', 'Running')
    await ping('a', '172.30.7.7')
    await create('later')
    await eventually(async () => {
      const { status } = await client.of(Vps).get({ namespace, name: 'later' })
      const said = status?.conditions?.map(({ message }) => message).join(' ')
      expect(said).toMatch(/fixed.*held by Vps dev|fixed, which Vps dev holds/)
    }, patient)
    await wish(false)
    await becomes('dev', 'Stopped')
    expect((await claims())['172.30.7.7']).toBe('fixed')
    // As one that was made while the node had no bridge.
    const stopped = (await bed.docker('ps', '-aq', '--filter', 'label=millrace.dev/name=dev')).trim()
    await bed.docker('network', 'disconnect', bridge, stopped)
    await bed.docker('network', 'connect', 'bridge', stopped)
    await wish(true)
    await becomes('dev', 'Running')
    await ping('a', '172.30.7.7')
    await expect(client.of(IPClaim).delete({ namespace, name: 'fixed' })).rejects.toThrow('is held by Vps "default/dev"')
    await client.of(Vps).delete({ namespace, name: 'dev' })
    await becomes('later', 'Running')
    await client.of(Vps).delete({ namespace, name: 'later' })
    await eventually(() => client.of(IPClaim).delete({ namespace, name: 'fixed' }), patient)
  })

  it('a Task is heard from the first word on, also when it was restarted; its address is given back when it has ended, or is deleted', async () => {
    // Who is not heard at first would say it again a second later.
    const speak = 'ping -c 1 -W 1 172.30.0.1 || exit 3; case $MILLRACE_RUN in *.0) sleep 600; esac'
    await run('short', speak, { restartPolicy: 'OnFailure' })
    const address = await addressOf('short')
    await eventually(async () => expect(await bed.inside('ebtables-save')).toContain(`--ip-src ${address} -j ACCEPT`), patient)
    await bed.docker('kill', await containerOf('short'))
    await eventually(async () => {
      const { status } = await client.of(Task).get({ namespace, name: 'short' })
      expect(status, JSON.stringify(status)).toMatchObject({ phase: 'Succeeded', restarts: 1 })
      expect(Object.values(await claims()).filter((name) => name.startsWith('task-short-'))).toEqual([])
    }, patient)
    await remove('a', 'b', 'short')
  })

  it('the bridge and its rules are there again after a reboot has taken them', async () => {
    await bed.inside('ip', 'link', 'delete', bridge)
    await bed.inside('iptables', '-t', 'nat', '-F', 'POSTROUTING')
    await run('again', forever)
    await addressOf('again')
    await ping('again', outsideAddress)
  })

  it('nothing of it is left when the cluster is purged', async () => {
    await bed.launch('down', '--purge')
    expect(await bed.inside('ip', '-br', 'link')).not.toContain('mr')
    for (const program of ['iptables-save', 'ebtables-save']) expect(await bed.inside(program)).not.toContain('mrbr')
    expect(await bed.docker('network', 'ls', '--format', '{{.Name}}')).not.toContain('mrbr')
  })
})
