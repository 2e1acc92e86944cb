/**
 * Acceptance check 14: deleting what runs, in every runtime class, leaves no process, container, tap, address, port, GPU,
 * disk, socket, Lease or key, also with the agent or the engine killed (-9) on the way while the gateway is away. KohakuRiver's classes, and what they are here: a
 * command as processes and in a container (Task, backends process and docker), and a VPS of Docker and of QEMU (Vps); a fifth
 * here is a Task in a microVM. GPUs are pretended; microVMs take none.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { makeMicrovmImage } from '../../nodeagent/backends/qemu/fixtures/microvm-image.js'
import { testGuest } from '../../nodeagent/backends/qemu/fixtures/test-guest.js'
import { type NetworkBed, networkBed } from '../processes/network-bed.js'
import { type PretendedGpus, pretendGpus } from './pretended-gpus.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const canHaveNamespaces = process.getuid?.() === 0
const patient = { timeoutMs: 240_000, intervalMs: 300 }
const gpu = 'millrace.dev/gpu'

interface Listed {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly uid: string }
  readonly status?: { readonly phase?: string; readonly gpus?: readonly number[]; readonly runtimeId?: string; readonly address?: string }
}

/** What there is of the workloads, on the node and in the API. */
interface Found {
  readonly processes: readonly string[]
  readonly containers: readonly string[]
  readonly links: readonly string[]
  readonly claims: readonly string[]
  readonly files: readonly string[]
  readonly ports: readonly number[]
  readonly secrets: readonly string[]
  readonly workloads: readonly string[]
}
const nothing: Found = { processes: [], containers: [], links: [], claims: [], files: [], ports: [], secrets: [], workloads: [] }

describe.skipIf(withoutDocker || withoutQemu || !canHaveNamespaces)('every runtime class', { timeout: 900_000 }, () => {
  let bed: NetworkBed
  let gpus: PretendedGpus
  let leases: readonly string[]
  const flags = ['--backends', 'process,docker,qemu', '--network', 'bridge']
  const ports = { process: 18_101, docker: 18_102, microvm: 18_103, tunnel: 30_104 }

  beforeAll(async () => {
    const guest = await testGuest()
    gpus = await pretendGpus(4)
    bed = await networkBed(gpus)
    await bed.launch('up', ...flags)
    const [node = ''] = readdirSync(path.join(bed.directory, 'nodes'))
    const images = path.join(bed.directory, 'nodes', node, 'images')
    await mkdir(images, { recursive: true })
    for (const file of readdirSync(guest)) await copyFile(path.join(guest, file), path.join(images, file))
    await makeMicrovmImage(images)
    leases = await names('leases')
  }, 300_000)
  afterAll(async () => {
    await bed?.[Symbol.asyncDispose]()
    gpus?.remove()
  }, 120_000)

  const list = async (...plurals: string[]) =>
    (JSON.parse(await bed.kubectl('get', plurals.join(), '-A', '-o', 'json')) as { items: readonly Listed[] }).items
  const names = async (plural: string) => (await list(plural)).map(({ metadata }) => metadata.name).sort()
  const object = (kind: string, name: string, spec: object) => ({
    apiVersion: 'millrace.dev/v1',
    kind,
    metadata: { name, namespace: 'default' },
    spec: { terminationGracePeriodSeconds: 1, ...spec },
  })
  const limits = (memory: string, ...more: string[]) => ({
    resources: { limits: { cpu: '1', memory, ...Object.fromEntries(more.map((name) => [name, '1'])) } },
  })
  /** What hears no polite word. */
  const deaf = (then: string) => ['sh', '-c', `trap '' TERM; ${then}`]
  const container = () => ({ image: bed.engine.image, imagePullPolicy: 'Never' })
  const port = (hostPort: number) => ({ ports: [{ port: hostPort, hostPort }] })

  const classes = () => [
    object('Task', 'process', {
      command: deaf(`nc -lk -p ${ports.process} || busybox nc -ll -p ${ports.process} -e cat`),
      ...port(ports.process),
      ...limits('64Mi', gpu),
    }),
    object('Task', 'docker', { ...container(), command: deaf('sleep 600 & wait'), ...port(ports.docker), ...limits('64Mi', gpu) }),
    object('Task', 'microvm', {
      backend: 'qemu',
      image: 'busybox',
      command: deaf('sleep 600'),
      ...port(ports.microvm),
      ...limits('256Mi'),
    }),
    object('Vps', 'container', { ...container(), ssh: { mode: 'generate' }, ...limits('64Mi', gpu) }),
    {
      ...object('Tunnel', 'tunnel', {}),
      spec: { target: { kind: 'Vps', name: 'container', port: 22 }, listen: { address: '127.0.0.1', port: ports.tunnel } },
    },
    object('Vps', 'machine', { backend: 'qemu', image: 'guest', ssh: { mode: 'generate' }, ...limits('160Mi', gpu) }),
  ]
  const all = (found: readonly Listed[]) => found.map(({ kind, metadata }) => `${kind}/${metadata.name}`).sort()

  /** Looks everywhere for what belongs to the uids. */
  async function look(uids: readonly string[]): Promise<Found> {
    const [containers, links, listening, claims, secrets, workloads] = await Promise.all([
      bed.docker('ps', '-a', '--format', '{{.Names}}'),
      bed.inside('ip', '-br', 'link'),
      bed.inside('cat', '/proc/net/tcp', '/proc/net/tcp6'),
      names('ipclaims'),
      bed.kubectl('get', 'secrets', '-n', 'default', '-o', 'name'),
      list('tasks', 'vpses'),
    ])
    const places = [bed.directory, '/var/lib/millrace', '/dev/shm', '/sys/fs/cgroup', '/run']
    const named = uids.flatMap((uid, index) => [...(index > 0 ? ['-o'] : []), '-name', `*${uid}*`])
    const files = await bed.inside('sh', '-c', 'find "$@" 2>/dev/null || true', 'sh', ...places, '(', ...named, ')')
    return {
      processes: processesOf(uids),
      containers: lines(containers),
      links: lines(links)
        .map((line) => line.split(/[\s@]/)[0] ?? '')
        .filter((name) => /^(mr[0-9a-f]{10}$|veth)/.test(name)),
      claims,
      files: lines(files).filter((file) => !file.includes('/apiserver/')),
      ports: Object.values(ports).filter((number) => new RegExp(`:${number.toString(16).toUpperCase()} \\S+ 0A `).test(listening)),
      secrets: lines(secrets),
      workloads: all(workloads),
    }
  }
  /**
   * Processes that carry one of the uids in their command line or environment:
   * those of agents and engines do, and what they start inherits it.
   */
  function processesOf(uids: readonly string[]): string[] {
    const text = (pid: string, file: string) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ')
      } catch {
        return ''
      }
    }
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.flatMap((pid) => {
      const said = `${text(pid, 'cmdline')} ${text(pid, 'environ')}`
      return uids.some((uid) => said.includes(uid)) ? [`${pid} ${text(pid, 'comm').trim()}`] : []
    })
  }
  const lines = (text: string) =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter(Boolean)

  const kill = async (program: 'nodeagent' | 'gateway') => {
    const { pid } = JSON.parse(readFileSync(path.join(bed.directory, `run/${program}.json`), 'utf8')) as { pid: number }
    process.kill(pid, 'SIGKILL')
  }
  const victims: Readonly<Record<string, () => Promise<void>>> = {
    'the agent': () => kill('nodeagent'),
    'the engine': () => bed.engine.restart(),
    'the agent and the engine': async () => {
      await kill('nodeagent')
      await bed.engine.restart()
    },
  }
  const taps = async () => lines(await bed.inside('ip', '-br', 'link')).filter((line) => /^mr[0-9a-f]{10}\b/.test(line))
  const running = async () => lines(await bed.docker('ps', '-q'))

  /** When the agent is killed: what is looked for after the deletion was asked for. */
  const moments: readonly (readonly [string, (uids: readonly string[]) => Promise<boolean>])[] = [
    ['nothing was done yet', async () => true],
    ['the first container has ended', async () => (await running()).length < 2],
    ['the first process has ended', async (uids) => processesOf(uids).length < 5],
    ['the tap of the machine is gone', async () => (await taps()).length === 0],
    ['both containers are gone', async () => lines(await bed.docker('ps', '-aq')).length === 0],
    ['the first claim is gone', async () => (await names('ipclaims')).length < 3],
    ['the first object is gone', async () => (await list('tasks', 'vpses')).length < 5],
  ]
  const short = new Set(['the agent, the first container has ended'])
  const table = Object.entries(victims).flatMap(([victim, killIt]) =>
    moments.map(([moment, come]) => [victim, moment, killIt, come] as const),
  )

  it.each(table.filter(([victim, moment]) => long || short.has(`${victim}, ${moment}`)))(
    'acceptance check 14: leaves nothing when it is deleted while it runs and the gateway is away, with %s killed when %s',
    async (_victim, _moment, killIt, hasCome) => {
      gpus.reset()
      await bed.apply(...classes())
      const workloads = await eventually(async () => {
        const found = await list('tasks', 'vpses')
        for (const { metadata, status } of found)
          expect([metadata.name, status?.phase], JSON.stringify(status)).toEqual([metadata.name, 'Running'])
        expect(found).toHaveLength(5)
        return found
      }, patient)
      const uids = workloads.map(({ metadata }) => metadata.uid)
      const given = workloads.flatMap(({ status }) => status?.gpus ?? [])
      const ofMachine = workloads.find(({ metadata }) => metadata.name === 'machine')?.status?.gpus?.[0] ?? -1
      expect([...given].sort()).toEqual([0, 1, 2, 3])
      expect(gpus.asked(ofMachine).unbound).toBe(false)
      const before = await eventually(async () => {
        const found = await look(uids)
        expect(found, JSON.stringify(found)).toMatchObject({
          ports: Object.values(ports),
          claims: { length: 3 },
          containers: { length: 2 },
        })
        return found
      }, patient)
      for (const [what, there] of Object.entries(before)) expect([what, there.length]).not.toEqual([what, 0])

      await kill('gateway')
      await bed.kubectl('delete', 'tunnels,tasks,vpses', '--all', '--wait=false')
      await eventually(() => hasCome(uids), { ...patient, intervalMs: 20 })
      await killIt()
      await bed.launch('up', ...flags)

      await eventually(async () => {
        const found = await look(uids)
        expect(found, JSON.stringify(found)).toEqual(nothing)
      }, patient)
      expect(await names('leases')).toEqual(leases)
      expect(gpus.asked(ofMachine)).toEqual({ override: '\n', unbound: true })
    },
  )

  it('gives its GPUs to the next one', async () => {
    await bed.apply(object('Task', 'all', { command: ['true'], resources: { limits: { [gpu]: '4' } } }))
    await bed.kubectl('wait', 'task/all', '--for=condition=Complete', '--timeout=240s')
    expect((await list('tasks'))[0]?.status).toMatchObject({ phase: 'Succeeded', gpus: [0, 1, 2, 3] })
  })
})
