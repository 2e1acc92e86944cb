/**
 * What sessions need, and no more: a real API server with TLS, an agent's stream server with the process backend, and a Task that runs. The
 * agent and its processes are real; scheduler and planner are not there, so that a test takes moments.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Namespace, securityLabel } from '../../lib/api/kinds/namespace.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Task } from '../../lib/api/kinds/task.js'
import { systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import { createClient } from '../../lib/client/create-client.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import type { MachineBackend } from '../../nodeagent/backends/machine-backend.js'
import { ProcessBackend } from '../../nodeagent/backends/process/process-backend.js'
import { createNodeStreamHandler } from '../../nodeagent/streams/node-stream-server.js'
import type { WorkloadFiles } from '../../nodeagent/tasks/files/workload-files.js'
import { pemOf } from './raw-upgrade.js'

export interface SessionBed extends AsyncDisposable {
  readonly cluster: TestCluster
  /** The home of every Task. */
  readonly folder: string
  /** Ends the agent's connection, as its death would. */
  cutAgent(): void
  /** A Task of this name runs the command when this resolves. */
  run(name: string, command: readonly string[], env?: Record<string, string>): Promise<void>
}

const node = 'n1'

export async function sessionBed(machines: ReadonlyMap<string, MachineBackend> = new Map()): Promise<SessionBed> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mr-sessions-'))
  const cluster = await testCluster({ tls: true })
  const admin = createClient(cluster.admin)
  const backend = await ProcessBackend.open({
    directory: path.join(folder, 'runs'),
    cgroups: undefined,
    separateUsers: false,
    version: 'test',
    searchPath: process.env.PATH ?? '',
  })
  const files = { logs: ({ uid }: { uid: string }) => path.join(folder, 'logs', uid) } as unknown as WorkloadFiles
  const agent = new AbortController()
  let isConnected = false
  const tls = pemOf(await cluster.configOf(`system:node:${node}`, ['system:nodes']))
  const dialled = dialNodeStreams({
    server: cluster.url,
    path: `/apis/millrace.dev/v1/nodestreams/${node}`,
    tls: () => tls,
    onRequest: createNodeStreamHandler({
      backends: new Map([['process', backend]]),
      machines,
      files,
      log: silentLogger,
      clock: systemClock,
    }),
    onConnected: () => {
      isConnected = true
    },
    signal: agent.signal,
  })
  await eventually(() => isConnected)
  await admin.of(Node).create({ metadata: { name: node }, spec: {} })
  await admin.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
  const { signal } = new AbortController()
  const runs: { uid: string; attempt: number; run: number }[] = []
  return {
    cluster,
    folder,
    cutAgent: () => agent.abort(),
    async run(name, command, env = {}) {
      const task = await admin.of(Task).create({ metadata: { name, namespace: 'default' }, spec: { command: [...command] } })
      const id = { uid: task.metadata.uid, attempt: 0, run: 0 }
      runs.push(id)
      const [binding] = await admin.bind(Task, [{ namespace: 'default', name, nodeName: node }])
      if (binding?.error) throw new Error(binding.error.message)
      const bound = await admin.of(Task).get({ namespace: 'default', name })
      await backend.start(
        { id, namespace: 'default', name, spec: bound.spec, env, mounts: [], homeDirectory: folder, logDirectory: files.logs(id) },
        signal,
      )
      await eventually(async () => (await backend.observe(signal, id.uid))[0]?.state === 'running')
      const status = { phase: 'Running' as const, startedAt: new Date().toISOString() }
      await admin.of(Task).mergePatch({ namespace: 'default', name }, { status }, { subresource: 'status' })
    },
    async [Symbol.asyncDispose]() {
      agent.abort()
      await dialled
      for (const id of runs) await backend.remove(id, signal)
      await backend.close()
      await admin.close()
      await cluster.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
