/** Logs of and commands in running Tasks, through Kubernetes' own client for Node, which sees each as a Pod. */
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { CoreV1Api, CustomObjectsApi, Exec, KubeConfig, Log, type V1Status } from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type ConformanceCluster, startWholeCluster } from './conformance-cluster.js'

let cluster: ConformanceCluster
const config = new KubeConfig()
const pod = { namespace: 'default', name: 'stays' }
const patience = { timeoutMs: 60_000, intervalMs: 50 }

beforeAll(async () => {
  cluster = await startWholeCluster()
  config.loadFromString(JSON.stringify(cluster.kubeconfig))
  const command = ['sh', '-c', 'echo first; echo second; exec sleep 600']
  const body = { apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: { name: pod.name }, spec: { command } }
  await config
    .makeApiClient(CustomObjectsApi)
    .createNamespacedCustomObject({ group: 'millrace.dev', version: 'v1', namespace: 'default', plural: 'tasks', body })
  const core = config.makeApiClient(CoreV1Api)
  await eventually(async () => expect((await core.readNamespacedPod(pod)).status?.phase).toBe('Running'), patience)
}, 120_000)
afterAll(() => cluster?.end(), 60_000)

describe('the log of a Pod', () => {
  it('is read whole, and in its last line', async () => {
    const core = config.makeApiClient(CoreV1Api)
    await eventually(async () => expect(await core.readNamespacedPodLog(pod)).toBe('first\nsecond\n'), patience)
    expect(await core.readNamespacedPodLog({ ...pod, container: 'main', tailLines: 1 })).toBe('second\n')
  })

  it('is followed', async () => {
    const out = new PassThrough()
    let said = ''
    out.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
    const following = await new Log(config).log(pod.namespace, pod.name, 'main', out, { follow: true })
    await eventually(() => expect(said).toBe('first\nsecond\n'), patience)
    following.abort()
  })
})

describe('a command in a Pod', () => {
  /** What it printed, and how it ended. */
  async function run(command: string[], input?: string) {
    const [out, errors] = [new PassThrough(), new PassThrough()]
    const printed = Promise.all([text(out), text(errors)])
    const status = await new Promise<V1Status>((resolve, reject) => {
      const stdin = input === undefined ? null : Readable.from([Buffer.from(input)])
      new Exec(config).exec(pod.namespace, pod.name, 'main', command, out, errors, stdin, false, resolve).catch(reject)
    })
    out.end()
    errors.end()
    const [stdout, stderr] = await printed
    return { stdout, stderr, status }
  }

  it('has its two outputs apart, and its success', async () => {
    expect(await run(['sh', '-c', 'echo out; echo errors >&2'])).toMatchObject({
      stdout: 'out\n',
      stderr: 'errors\n',
      status: { status: 'Success' },
    })
  })

  it('has its input', async () => {
    expect((await run(['head', '-n', '1'], 'a line\n')).stdout).toBe('a line\n')
  })

  it('has its exit code', async () => {
    expect((await run(['sh', '-c', 'exit 7'])).status).toMatchObject({
      status: 'Failure',
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: '7' }] },
    })
  })
})
