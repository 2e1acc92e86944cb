import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { findCondition } from '../lib/api/condition.js'
import { Namespace, securityLabel } from '../lib/api/kinds/namespace.js'
import { Secret } from '../lib/api/kinds/secret.js'
import { Task, type TaskManifest } from '../lib/api/kinds/task.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { DockerBackend } from './backends/docker/docker-backend.js'
import { startTestEngine, type TestEngine, withoutDocker } from './backends/docker/fixtures/test-engine.js'
import { type AgentFolders, agentFolders, type RunningAgent, startAgent } from './fixtures/start-agent.js'

describe.skipIf(withoutDocker)('Tasks in containers', () => {
  let engine: TestEngine
  let cluster: TestCluster
  let admin: Client
  let folders: AgentFolders
  let agent: RunningAgent

  const start = () =>
    startAgent(cluster, folders, {
      backends: async () => [await DockerBackend.open({ socketPath: engine.socketPath, agent: 'test', network: 'none' })],
    })

  beforeAll(async () => {
    engine = await startTestEngine()
    cluster = await testCluster()
    admin = createClient(cluster.admin)
  })
  afterAll(async () => {
    await admin.close()
    await cluster.close()
    await engine.close()
  })
  beforeEach(async () => {
    folders = await agentFolders()
    agent = await start()
  })
  afterEach(async () => {
    for (const task of (await admin.of(Task).list()).items) await admin.of(Task).delete(task.metadata, { gracePeriodSeconds: 0 })
    await eventually(async () => expect((await admin.of(Task).list()).items).toEqual([]))
    expect(await containers()).toEqual([])
    for (const folder of [agent.paths.work, agent.paths.workloads, agent.paths.secrets])
      expect(await readdir(folder).catch(() => [])).toEqual([])
    await agent.stop()
    await folders.remove()
  })

  const shell = (script: string) => ['sh', '-c', script]
  const docker = (...args: string[]) => promisify(execFile)('docker', ['-H', `unix://${engine.socketPath}`, ...args])
  const containers = async () => {
    const { stdout } = await docker('ps', '-aq')
    return stdout.split('\n').filter(Boolean)
  }
  const create = (name: string, spec: TaskManifest['spec']) =>
    admin.of(Task).create({ metadata: { namespace: 'default', name }, spec: { nodeName: 'n1', image: engine.image, ...spec } })
  const get = (name: string) => admin.of(Task).get({ namespace: 'default', name })
  const inPhase = (name: string, phase: string) =>
    eventually(async () => {
      const task = await get(name)
      expect(task.status?.phase, JSON.stringify(task.status)).toBe(phase)
      return task
    })
  const logOf = async (task: Task) => {
    const id = { uid: task.metadata.uid, attempt: 0, run: task.status?.restarts ?? 0 }
    let text = ''
    for (const backend of agent.parts.backends.values())
      for await (const { bytes } of backend.logs(id, { logDirectory: '/', follow: false }, AbortSignal.timeout(60_000))) text += bytes
    return text
  }

  it('run to their end, with what they were given, and leave nothing', async () => {
    await admin.of(Secret).create({ metadata: { namespace: 'default', name: 'creds' }, stringData: { key: 'canary' } })
    await create('given', {
      command: shell(
        'echo "$KEY"; cat /creds/key; echo; touch /creds/other; echo x > /scratch/deep/file; cat /scratch/deep/file; pwd; exit 4',
      ),
      workingDir: '/tmp',
      env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'creds', key: 'key' } } }],
      volumes: [
        { name: 'creds', secret: { secretName: 'creds' } },
        { name: 'scratch', emptyDir: {} },
      ],
      volumeMounts: [
        { name: 'creds', mountPath: '/creds' },
        { name: 'scratch', mountPath: '/scratch/deep', subPath: 'a/b' },
      ],
    })
    const task = await inPhase('given', 'Failed')
    expect(task.status).toMatchObject({ exitCode: 4, restarts: 0 })
    expect(findCondition(task, 'ImageReady')).toMatchObject({ status: 'True', reason: 'Present' })
    const lines = (await logOf(task)).split('\n')
    expect(lines).toContain('touch: /creds/other: Read-only file system')
    expect(lines.filter((line) => !line.startsWith('touch'))).toEqual(['canary', 'canary', 'x', '/tmp', ''])
  })

  it('are deleted also where the disk of the agent is full, as that is how room is made', async () => {
    await create('filling', { command: shell('trap "exit 0" TERM; while :; do sleep 0.1; done') })
    await inPhase('filling', 'Running')
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    const write = vi.spyOn(agent.parts.ledgers, 'write').mockRejectedValue(full)
    await admin.of(Task).delete({ namespace: 'default', name: 'filling' })
    await eventually(async () => expect((await admin.of(Task).list()).items).toEqual([]))
    expect(write).toHaveBeenCalled()
  })

  it('say what is wrong with their image, and start when it is there', async () => {
    await create('no-image', { image: 'local/none:1', imagePullPolicy: 'Never', command: ['true'] })
    await eventually(async () =>
      expect(findCondition(await get('no-image'), 'ImageReady')).toMatchObject({ status: 'False', reason: 'ImageNotFound' }),
    )
    await docker('tag', engine.image, 'local/none:1')
    await inPhase('no-image', 'Succeeded')
  })

  it('with an image name that is none are over at once', async () => {
    await create('bad-name', { image: 'UPPER/case', command: ['true'] })
    const task = await inPhase('bad-name', 'Failed')
    expect(findCondition(task, 'Complete')).toMatchObject({ reason: 'InvalidImageName' })
  })

  it('are probed inside the container, and restarted when they are not live', async () => {
    await create('probed', {
      command: shell('trap "exit 1" TERM; touch /tmp/live; sleep 600 & wait'),
      restartPolicy: 'Always',
      startupProbe: { exec: { command: shell('test -e /tmp/live') }, periodSeconds: 1 },
      livenessProbe: { exec: { command: shell('test -e /tmp/live') }, periodSeconds: 1, failureThreshold: 1 },
    })
    const task = await inPhase('probed', 'Running')
    await eventually(async () => expect(findCondition(await get('probed'), 'Ready')).toMatchObject({ status: 'True' }))
    const [backend] = agent.parts.backends.values()
    await backend?.exec({ uid: task.metadata.uid, attempt: 0, run: 0 }, ['rm', '/tmp/live'], AbortSignal.timeout(60_000))
    await eventually(async () => expect((await get('probed')).status).toMatchObject({ restarts: 1, phase: 'Running' }))
  })

  it('wait for an engine that does not answer, and say so', async () => {
    await agent.stop()
    agent = await startAgent(cluster, folders, {
      backends: async () => [await DockerBackend.open({ socketPath: '/nowhere/s', agent: 'test' })],
    })
    await create('waiting', { command: ['true'] })
    await eventually(async () =>
      expect(findCondition(await get('waiting'), 'Accepted')).toMatchObject({
        status: 'False',
        reason: 'BackendUnavailable',
        message: 'no Docker engine answers at /nowhere/s',
      }),
    )
    expect((await get('waiting')).status?.phase).toBe('Assigned')
    await agent.stop()
    agent = await start()
    await inPhase('waiting', 'Succeeded')
  })

  it('are adopted by the next agent, with the exit codes of what ended meanwhile', async () => {
    await create('lasting', { command: shell('trap "exit 0" TERM; sleep 600 & wait') })
    await create('ending', { command: shell('while ! test -e /tmp/end; do sleep 0.1; done; exit 7') })
    const before = await inPhase('lasting', 'Running')
    const ending = await inPhase('ending', 'Running')
    await agent.stop()
    const id = ending.status?.runtimeId ?? ''
    await docker('exec', id, 'touch', '/tmp/end')
    await docker('wait', id)
    agent = await start()
    expect((await inPhase('ending', 'Failed')).status?.exitCode).toBe(7)
    expect((await inPhase('lasting', 'Running')).status).toMatchObject({ runtimeId: before.status?.runtimeId, restarts: 0 })
  })

  it('with hostPath run only where the namespace admits it, whatever the server let through', async () => {
    await admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
    const spec = {
      command: ['true'],
      volumes: [{ name: 'host', hostPath: { path: '/etc' } }],
      volumeMounts: [{ name: 'host', mountPath: '/host' }],
    }
    await create('admitted', spec)
    await inPhase('admitted', 'Succeeded')
    await agent.stop()
    await create('refused', spec)
    await admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: null } } })
    agent = await start()
    const refused = await inPhase('refused', 'Failed')
    expect(findCondition(refused, 'Complete')).toMatchObject({
      reason: 'Refused',
      message: expect.stringContaining('the hostPath volume "host"'),
    })
    expect(findCondition(refused, 'Accepted')).toMatchObject({ status: 'False', reason: 'Refused' })
  })
})
