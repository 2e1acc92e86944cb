/**
 * Acceptance check 8: 20 simultaneous port-forwards by 5 users into one Vps,
 * container or virtual machine: byte-exact, and none stalls another.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { copyFile, mkdir } from 'node:fs/promises'
import net, { type Socket } from 'node:net'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { testGuest } from '../../nodeagent/backends/qemu/fixtures/test-guest.js'
import { type OneMachine, oneMachine, root } from '../e2e/one-machine.js'

const users = ['ann', 'ben', 'cleo', 'dora', 'emil']
const forwardsOfEach = 4
const patient = { timeoutMs: 240_000, intervalMs: 250 }

describe.skipIf(withoutDocker || withoutQemu)('port-forwards into one Vps', { timeout: 300_000 }, () => {
  let engine: TestEngine
  let machine: OneMachine
  const forwarding: ChildProcess[] = []

  beforeAll(async () => {
    const guest = await testGuest()
    engine = await startTestEngine()
    machine = await oneMachine({ env: { DOCKER_HOST: `unix://${engine.socketPath}` } })
    const up = await machine.launch('up', '--backends', 'docker,qemu')
    expect(up.code, up.err).toBe(0)
    const [node = ''] = readdirSync(path.join(machine.directory, 'nodes'))
    const images = path.join(machine.directory, 'nodes', node, 'images')
    await mkdir(images, { recursive: true })
    for (const file of readdirSync(guest)) await copyFile(path.join(guest, file), path.join(images, file))
    const vps = (backend: string, image: object) => ({
      apiVersion: 'millrace.dev/v1',
      kind: 'Vps',
      metadata: { name: backend },
      spec: { backend, ...image, resources: { limits: { cpu: '1', memory: '160Mi' } }, terminationGracePeriodSeconds: 1 },
    })
    const mayEdit = (name: string) => ({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'RoleBinding',
      metadata: { name: `edit-${name}` },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'edit' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
    })
    const items = [...users.map(mayEdit), vps('docker', { image: engine.image, imagePullPolicy: 'Never' }), vps('qemu', { image: 'guest' })]
    const file = path.join(machine.folder, 'list.json')
    writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }))
    const applied = await machine.kubectlLite('apply', '-f', file)
    expect(applied.code, applied.err).toBe(0)
  }, 300_000)
  afterAll(async () => {
    for (const child of forwarding) child.kill('SIGKILL')
    await machine?.[Symbol.asyncDispose]()
    await engine?.close()
  }, 120_000)

  /** The ports on this machine of a user's forwards. */
  async function forward(user: string, vps: string): Promise<number[]> {
    const ports = Array.from({ length: forwardsOfEach }, () => ':7000')
    const words = ['--kubeconfig', `${machine.directory}/admin.kubeconfig`, '--as', user, 'port-forward', `vps/${vps}`, ...ports]
    const child = spawn(process.execPath, [path.join(root, 'dist/kubectl-lite/main.js'), ...words], { stdio: ['ignore', 'pipe', 'pipe'] })
    forwarding.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => (said += text))
    return await eventually(() => {
      const found = [...said.matchAll(/^Forwarding from 127\.0\.0\.1:(\d+) -> 7000$/gm)].map(([, port]) => Number(port))
      expect(found, said).toHaveLength(forwardsOfEach)
      return found
    }, patient)
  }

  function ask(port: number, file: string): Socket {
    const socket = net.connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(`GET /${file} HTTP/1.0\r\n\r\n`)
    return socket
  }
  /** The digest of the file that comes. */
  async function digestOf(socket: Socket): Promise<string> {
    const chunks: Buffer[] = []
    for await (const chunk of socket) chunks.push(chunk as Buffer)
    const answer = Buffer.concat(chunks)
    return createHash('sha256')
      .update(answer.subarray(answer.indexOf('\r\n\r\n') + 4))
      .digest('hex')
  }

  it.concurrent.each([
    ['Docker', 'docker'],
    ['QEMU', 'qemu'],
  ])(
    'acceptance check 8: 20 at once by 5 users into a %s Vps are byte-exact, and one that is stalled stalls no other',
    async (_title, name) => {
      const serve =
        'mkdir -p /pages && cd /pages && dd if=/dev/urandom of=some bs=1024 count=512 2>/dev/null && truncate -s 512M much && ' +
        'busybox httpd -p 7000 -h /pages && sha256sum < some'
      const inside = (command: string) => machine.kubectlLite('exec', `vps/${name}`, '--', 'sh', '-c', command)
      await eventually(async () => expect(await inside('true')).toMatchObject({ code: 0, err: '' }), patient)
      const served = await inside(serve)
      expect(served.code, served.err).toBe(0)
      const [digest] = served.out.split(' ')
      const ports = (await Promise.all(users.map((user) => forward(user, name)))).flat()
      expect(new Set(ports).size).toBe(20)
      const [stalledPort = 0, ...others] = ports
      const stalled = ask(stalledPort, 'much')
      await once(stalled, 'data')
      stalled.pause()

      const digests = await Promise.all(others.map((port) => digestOf(ask(port, 'some'))))
      expect(digests).toEqual(others.map(() => digest))
      // The stalled one was neither ended nor read to its end, and its user's other forwards go on too.
      expect([stalled.destroyed, stalled.readableEnded]).toEqual([false, false])
      expect(await digestOf(ask(stalledPort, 'some'))).toBe(digest)
      stalled.destroy()
    },
  )
})
