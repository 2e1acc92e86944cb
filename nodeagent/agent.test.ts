import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { findCondition } from '../lib/api/condition.js'
import { ConfigMap } from '../lib/api/kinds/config-map.js'
import { Namespace, securityLabel } from '../lib/api/kinds/namespace.js'
import { Secret } from '../lib/api/kinds/secret.js'
import { Task, type TaskManifest } from '../lib/api/kinds/task.js'
import type { Client } from '../lib/client/client.js'
import { createClient } from '../lib/client/create-client.js'
import { eventually } from '../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../lib/testing/test-cluster.js'
import { type AgentFolders, agentFolders, asRoot, type RunningAgent, startAgent } from './fixtures/start-agent.js'
import { testUsers } from './fixtures/test-users.js'

let cluster: TestCluster
let admin: Client
let folders: AgentFolders
let agent: RunningAgent

beforeAll(async () => {
  cluster = await testCluster()
  admin = createClient(cluster.admin)
  await admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
})
afterAll(async () => {
  await admin.close()
  await cluster.close()
})
beforeEach(async () => {
  folders = await agentFolders()
  agent = await startAgent(cluster, folders)
})
afterEach(async () => {
  for (const task of (await admin.of(Task).list()).items) await admin.of(Task).delete(task.metadata, { gracePeriodSeconds: 0 })
  await eventually(async () => expect((await admin.of(Task).list()).items).toEqual([]))
  await agent.stop()
  await folders.remove()
})

const shell = (script: string) => ['sh', '-c', script]
const create = (name: string, spec: TaskManifest['spec']) =>
  admin.of(Task).create({ metadata: { namespace: 'default', name }, spec: { nodeName: 'n1', ...spec } })
const get = (name: string) => admin.of(Task).get({ namespace: 'default', name })
const inPhase = (name: string, phase: string) =>
  eventually(async () => {
    const task = await get(name)
    expect(task.status?.phase, JSON.stringify(task.status)).toBe(phase)
    return task
  })
const logOf = async (task: Task, run = 0) => {
  const folder = agent.paths.logs({ uid: task.metadata.uid, attempt: 0, run })
  const text = await readFile(path.join(folder, 'log'), 'utf8')
  return text.replace(/^\S+ \S+ [FP] /gm, '')
}
const nothingIsLeft = () =>
  eventually(async () => {
    const { runs, work, workloads, secrets } = agent.paths
    for (const folder of [runs, work, workloads, secrets]) expect(await readdir(folder).catch(() => [])).toEqual([])
    expect(agent.agent.workloads).toBe(0)
  })

describe('a Task on a node', () => {
  it('runs to its end and says so', async () => {
    await create('hello', { command: shell('echo hello; exit 0') })
    const task = await inPhase('hello', 'Succeeded')
    expect(task.status).toMatchObject({ exitCode: 0, restarts: 0, attempt: 0, observedGeneration: 1 })
    expect(task.status?.startedAt).toBeTruthy()
    expect(task.status?.finishedAt).toBeTruthy()
    expect(findCondition(task, 'Complete')).toMatchObject({ status: 'True', reason: 'Succeeded' })
    expect(findCondition(task, 'Running')).toMatchObject({ status: 'False', reason: 'Ended' })
    expect(await logOf(task)).toBe('hello\n')
  })

  it('that fails says with what', async () => {
    await create('bad', { command: shell('exit 3') })
    const task = await inPhase('bad', 'Failed')
    expect(task.status?.exitCode).toBe(3)
    expect(findCondition(task, 'Complete')).toMatchObject({ reason: 'ExitCode', message: 'ended with exit code 3' })
  })

  it('whose command does not exist fails with its name', async () => {
    await create('none', { command: ['/no/such/command'] })
    const task = await inPhase('none', 'Failed')
    expect(findCondition(task, 'Complete')).toMatchObject({
      reason: 'CommandNotFound',
      message: expect.stringContaining('/no/such/command'),
    })
  })

  it('deleted while it runs ends and leaves nothing', async () => {
    await create('long', { command: ['sleep', '600'] })
    await inPhase('long', 'Running')
    await admin.of(Task).delete({ namespace: 'default', name: 'long' })
    await eventually(async () => expect((await admin.of(Task).list()).items).toEqual([]))
    await nothingIsLeft()
  })

  it('is suspended and resumed', async () => {
    await create('pausing', { command: ['sleep', '600'] })
    await inPhase('pausing', 'Running')
    await admin.of(Task).mergePatch({ namespace: 'default', name: 'pausing' }, { spec: { suspend: true } })
    await inPhase('pausing', 'Paused')
    await admin.of(Task).mergePatch({ namespace: 'default', name: 'pausing' }, { spec: { suspend: false } })
    await inPhase('pausing', 'Running')
  })

  it('is restarted as its policy says, until its restarts are used up', async () => {
    await create('crashing', { command: shell('echo run; exit 1'), restartPolicy: 'OnFailure', backoffLimit: 1 })
    const task = await inPhase('crashing', 'Failed')
    expect(task.status).toMatchObject({ restarts: 1, exitCode: 1 })
    expect(findCondition(task, 'Complete')).toMatchObject({ reason: 'BackoffLimitExceeded' })
    expect(await logOf(task, 0)).toBe('run\n')
    expect(await logOf(task, 1)).toBe('run\n')
  })

  it('is ended at its deadline', async () => {
    await create('limited', { command: ['sleep', '600'], activeDeadlineSeconds: 1 })
    const task = await inPhase('limited', 'Failed')
    expect(findCondition(task, 'Complete')).toMatchObject({ reason: 'DeadlineExceeded' })
    expect(task.status?.signal).toBe('SIGTERM')
  })

  it('becomes ready by its probe, and is killed and restarted by its liveness probe', async () => {
    await create('probed', {
      command: shell('touch "$HOME/live"; sleep 600'),
      restartPolicy: 'Always',
      terminationGracePeriodSeconds: 1,
      readinessProbe: { exec: { command: shell('test -e "$HOME/ready"') }, periodSeconds: 1 },
      livenessProbe: { exec: { command: shell('test -e "$HOME/live"') }, periodSeconds: 1, failureThreshold: 1, initialDelaySeconds: 1 },
    })
    const task = await inPhase('probed', 'Running')
    expect(findCondition(task, 'Ready')).toMatchObject({ status: 'False' })
    const home = path.join(agent.paths.workOf(task.metadata.uid), '0', 'home')
    const { rm, writeFile } = await import('node:fs/promises')
    await writeFile(path.join(home, 'ready'), '')
    await eventually(async () => expect(findCondition(await get('probed'), 'Ready')).toMatchObject({ status: 'True', reason: 'Probed' }))
    await rm(path.join(home, 'live'))
    await eventually(async () => expect((await get('probed')).status?.restarts).toBe(1))
  })
})

describe('what a Task is given', () => {
  it('its environment is what was resolved, and nothing of the agent', async () => {
    await admin.of(Secret).create({ metadata: { namespace: 'default', name: 'creds' }, stringData: { token: 'canary', user: 'me' } })
    await admin.of(ConfigMap).create({ metadata: { namespace: 'default', name: 'conf' }, data: { color: 'red' } })
    await admin.of(ConfigMap).create({ metadata: { namespace: 'default', name: 'odd' }, data: { '0-no-name': 'x' } })
    await create('env', {
      command: ['env'],
      envFrom: [{ configMapRef: { name: 'conf' }, prefix: 'CONF_' }, { configMapRef: { name: 'odd' } }],
      env: [
        { name: 'PLAIN', value: 'a b' },
        { name: 'TOKEN', valueFrom: { secretKeyRef: { name: 'creds', key: 'token' } } },
        { name: 'ABSENT', valueFrom: { secretKeyRef: { name: 'other', key: 'x', optional: true } } },
      ],
    })
    const task = await inPhase('env', 'Succeeded')
    const env = (await logOf(task)).trim().split('\n').sort()
    expect(env.map((line) => line.split('=')[0])).toEqual([
      'CONF_color',
      'HOME',
      'MILLRACE_ATTEMPT',
      'MILLRACE_NAMESPACE',
      'MILLRACE_NODE',
      'MILLRACE_RUN',
      'MILLRACE_TASK',
      'MILLRACE_UID',
      'MILLRACE_VOLUMES',
      'PATH',
      'PLAIN',
      'TOKEN',
    ])
    expect(env).toContain('TOKEN=canary')
    const { data, work } = folders
    // Folders of earlier Tasks go meanwhile.
    await eventually(async () => {
      for (const folder of [data, work])
        for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
          if (entry.isFile() && entry.name !== 'log')
            expect(await readFile(path.join(entry.parentPath, entry.name), 'utf8')).not.toContain('canary')
    })
  })

  it('waits, and says for what, until its Secret is there', async () => {
    await create('waiting', {
      command: shell('echo "$KEY"'),
      env: [{ name: 'KEY', valueFrom: { secretKeyRef: { name: 'late', key: 'key' } } }],
    })
    await eventually(async () =>
      expect(findCondition(await get('waiting'), 'Running')).toMatchObject({
        reason: 'ConfigMissing',
        message: 'the Secret "late" is not there',
      }),
    )
    await admin.of(Secret).create({ metadata: { namespace: 'default', name: 'late' }, stringData: { key: 'here' } })
    expect(await logOf(await inPhase('waiting', 'Succeeded'))).toBe('here\n')
  })

  it('its volumes appear under $MILLRACE_VOLUMES, and secrets go with the attempt', async () => {
    await admin.of(Secret).create({ metadata: { namespace: 'default', name: 'files' }, stringData: { key: 'canary' } })
    await create('volumes', {
      command: shell(
        'cd "$MILLRACE_VOLUMES"; cat secret/deep/key; echo; echo x > scratch/file; cat scratch/file; stat -c %a secret/deep/key',
      ),
      volumes: [
        { name: 'secret', secret: { secretName: 'files', items: [{ key: 'key', path: 'deep/key', mode: 0o400 }] } },
        { name: 'scratch', emptyDir: {} },
      ],
      volumeMounts: [{ name: 'secret' }, { name: 'scratch' }],
    })
    const task = await inPhase('volumes', 'Succeeded')
    expect(await logOf(task)).toBe('canary\nx\n400\n')
    const { paths } = agent
    await eventually(async () => {
      expect(await readdir(paths.secretsOf(task.metadata.uid)).catch(() => 'gone')).toBe('gone')
      expect(await readdir(paths.workOf(task.metadata.uid)).catch(() => 'gone')).toBe('gone')
    })
  })

  it.runIf(asRoot)('as root it is a user of its own, who reaches neither the agent nor other Tasks', async () => {
    await create('first', { command: shell('id -u; echo mine > "$HOME/file"; sleep 600') })
    const first = await inPhase('first', 'Running')
    const otherHome = path.join(agent.paths.workOf(first.metadata.uid), '0', 'home')
    await eventually(async () => expect(await readFile(path.join(otherHome, 'file'), 'utf8')).toBe('mine\n'))
    await create('second', {
      command: shell(
        `exec 2>&1; id -u; cat ${otherHome}/file; ls ${folders.data}; kill -0 ${first.status?.runtimeId}; grep NoNewPrivs /proc/self/status`,
      ),
    })
    const lines = (await logOf(await inPhase('second', 'Succeeded'))).split('\n').filter(Boolean)
    const firstUser = Number((await logOf(first)).trim())
    expect(firstUser).toBeGreaterThanOrEqual(testUsers?.attempts.first ?? 0)
    expect(lines.map((line) => line.replace(/^\d{10}$/, 'USER'))).toEqual([
      'USER',
      expect.stringContaining('Permission denied'),
      expect.stringContaining('Permission denied'),
      expect.stringMatching(/not permitted|No such process/i),
      'NoNewPrivs:\t1',
    ])
    expect(Number(lines[0])).not.toBe(firstUser)
  })
})

describe('an agent that was away', () => {
  it('finds what runs, and reports what ended meanwhile', async () => {
    await create('lasting', { command: ['sleep', '600'] })
    await create('ending', { command: shell('while [ ! -e "$HOME/end" ]; do sleep 0.05; done; exit 7') })
    const lasting = await inPhase('lasting', 'Running')
    const ending = await inPhase('ending', 'Running')
    await agent.stop()
    const { writeFile } = await import('node:fs/promises')
    await writeFile(path.join(agent.paths.workOf(ending.metadata.uid), '0', 'home', 'end'), '')
    agent = await startAgent(cluster, folders)
    expect((await inPhase('ending', 'Failed')).status?.exitCode).toBe(7)
    expect((await inPhase('lasting', 'Running')).status).toMatchObject({ runtimeId: lasting.status?.runtimeId, restarts: 0 })
  })

  it('removes what was deleted, without its finalizer, meanwhile', async () => {
    await create('orphan', { command: ['sleep', '600'] })
    await inPhase('orphan', 'Running')
    await agent.stop()
    await admin.of(Task).mergePatch({ namespace: 'default', name: 'orphan' }, { metadata: { finalizers: null } })
    await admin.of(Task).delete({ namespace: 'default', name: 'orphan' })
    agent = await startAgent(cluster, folders)
    await nothingIsLeft()
  })
})
