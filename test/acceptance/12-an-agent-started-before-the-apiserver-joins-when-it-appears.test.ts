/**
 * Acceptance check 12: an agent started before the API server joins when it appears,
 * whatever the delay, and runs processes, containers and microVMs.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isConditionTrue } from '../../lib/api/condition.js'
import { Namespace, securityLabel } from '../../lib/api/kinds/namespace.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task, type TaskManifest } from '../../lib/api/kinds/task.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startTestEngine, type TestEngine, withoutDocker } from '../../nodeagent/backends/docker/fixtures/test-engine.js'
import { withoutQemu } from '../../nodeagent/backends/qemu/fixtures/guest-kernel.js'
import { makeMicrovmImage } from '../../nodeagent/backends/qemu/fixtures/microvm-image.js'
import { run } from '../e2e/one-machine.js'
import { type ApiServer, startApiServer } from '../processes/api-server.js'
import { freePort } from '../processes/free-port.js'
import { createOwner } from '../processes/owner.js'
import { type Program, startProgram } from '../processes/program.js'

describe.skipIf(withoutDocker || withoutQemu)('an agent that waits for its API server', { timeout: 600_000 }, () => {
  const owner = createOwner('acceptance-12')
  const directory = path.join(owner.directory, 'cluster')
  const data = path.join(owner.directory, 'node')
  const token = path.join(owner.directory, 'token')
  const agentLog = path.join(owner.directory, 'agent.log')
  const patience = { timeoutMs: 240_000, intervalMs: 100 }
  let port = 0
  let server: ApiServer
  let client: Client
  let engine: TestEngine
  let flags: string[]

  beforeAll(async () => {
    port = await freePort()
    mkdirSync(data, { mode: 0o700 })
    const images = path.join(owner.directory, 'images')
    await makeMicrovmImage(images)
    engine = await startTestEngine()
    owner.defer(() => engine.close())
    const docker = ['--docker-socket', engine.socketPath, '--network', 'none']
    flags = ['--data-dir', data, '--backends', 'process,docker,qemu', ...docker, '--image-dir', images]
    server = await startApiServer(owner, { directory, port })
    client = createClient((await loadKubeconfig({ env: {}, home: directory, kubeconfig: server.kubeconfig })).config)
    owner.defer(() => client.close())
    await client.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
    const made = await script('kubectl-lite', '--kubeconfig', server.kubeconfig, 'join-token', '--node-name', 'early', '--to-file', token)
    expect(made.code, made.err).toBe(0)
  }, 120_000)
  afterAll(() => owner.end(), 120_000)

  const script = (program: string, ...args: string[]) => run(process.execPath, [path.join(owner.build, `dist/${program}/main.js`), ...args])

  function startAgent(...how: string[]): Program {
    owner.defer(async () => void (await script('nodeagent', ...flags, 'purge')))
    return startProgram(owner, 'nodeagent/main.js', [...flags, ...how], agentLog)
  }

  /** How often the agent has said that it found nobody. */
  const failures = () => readFileSync(agentLog, 'utf8').match(/ECONNREFUSED/g)?.length ?? 0

  /** The agent runs what is given to it. */
  async function works(...specs: TaskManifest['spec'][]): Promise<void> {
    await eventually(async () => expect(isConditionTrue(await client.of(Node).get({ name: 'early' }), 'Ready')).toBe(true), patience)
    const tasks = client.of(Task)
    for (const spec of specs)
      await tasks.create({ metadata: { generateName: 'task-' }, spec: { command: ['true'], nodeName: 'early', ...spec } })
    const phases = async () => (await tasks.list()).items.map(({ status }) => status?.phase)
    await eventually(async () => expect(new Set(await phases())).toEqual(new Set(['Succeeded'])), patience)
  }

  it('a machine that has not joined yet asks again and again, and joins when somebody answers', async () => {
    await server.stop()
    const authority = path.join(directory, 'apiserver/pki/ca.crt')
    const join = ['--node-name', 'early', '--server', `https://127.0.0.1:${port}`, '--ca-file', authority, '--join-token-file', token]
    const agent = startAgent(...join)
    await eventually(() => expect(failures()).toBeGreaterThanOrEqual(2), patience)
    expect(agent.hasEnded).toBe(false)
    server = await startApiServer(owner, { directory, port })
    await works({}, { image: engine.image, imagePullPolicy: 'Never' }, { backend: 'qemu', image: 'busybox' })
    await agent.stop()
  })

  it('one that has joined waits likewise, and is the node that it was', async () => {
    const { metadata } = await client.of(Node).get({ name: 'early' })
    await server.stop()
    const before = failures()
    const agent = startAgent()
    await eventually(() => expect(failures()).toBeGreaterThanOrEqual(before + 2), patience)
    expect(agent.hasEnded).toBe(false)
    await startApiServer(owner, { directory, port })
    await works({}, { image: engine.image, imagePullPolicy: 'Never' })
    expect((await client.of(Node).get({ name: 'early' })).metadata.uid).toBe(metadata.uid)
    await agent.stop()
  })
})
