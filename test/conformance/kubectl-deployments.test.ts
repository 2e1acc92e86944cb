/**
 * Plain kubectl, 1.29 to 1.33, with Deployments that run: rollouts, their history and the
 * way back, logs and sessions, deletion in all three cascades.
 */
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startWholeCluster } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { type Manifest, printManifests } from './one-of-each.js'

/** Beside the node that runs processes, a hollow one that runs any image. */
const startWithHollowNode = () => startWholeCluster({ hollowNodes: 1 })

const term = (operator: string) => ({ matchExpressions: [{ key: 'millrace.dev/hollow', operator }] })
const onNodes = (operator: 'Exists' | 'DoesNotExist') => ({
  nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term(operator)] } },
})

const deployment = (name: string, container: object, spec: object = {}, pod: object = {}): Manifest => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: 'web', ...container }], terminationGracePeriodSeconds: 1, affinity: onNodes('DoesNotExist'), ...pod },
    },
    ...spec,
  },
})
const script = (words: string) => ({ command: ['sh', '-c', words] })
const patience = { timeoutMs: 90_000, intervalMs: 200 }

describeKubectls(startWithHollowNode, (kubectl) => {
  const create = (...manifests: Manifest[]) => kubectl.out('create -f -', { input: printManifests(manifests) })
  const rolledOut = (name: string) => kubectl.out(`rollout status deploy/${name} --timeout=120s`)
  const logs = async (name: string) => {
    const all = await kubectl.out(`logs -l app=${name} --tail=1`)
    return [...new Set(all.trim().split('\n'))]
  }

  it('rolls out, waits for it, and shows what there is', async () => {
    await create(deployment('web', { ...script('echo "$VERSION"; sleep 600'), env: [{ name: 'VERSION', value: 'one' }] }))
    expect(await rolledOut('web')).toMatch(/deployment "web" successfully rolled out\n$/)
    await kubectl.out('wait deploy/web --for=condition=Available --timeout=60s')
    expect(await kubectl.out('get deploy web')).toMatch(/\nweb +2\/2 +2 +2 +\S+\n$/)
    expect(await kubectl.out('get rs -o wide')).toMatch(/\nweb-\w+ +2 +2 +2 +\S+ +web +<none> +app=web,pod-template-hash=\w+\n$/)
    expect(await kubectl.out('get all')).toMatch(/\ntask.millrace.dev\/web-[\s\S]*\ndeployment.apps\/web [\s\S]*\nreplicaset.apps\/web-/)
    await eventually(
      async () => expect(await kubectl.out('get pods -l app=web --no-headers')).toMatch(/^(web-\S+ +1\/1 +Running .*\n){2}$/),
      patience,
    )
  })

  it('describes it, with the ReplicaSets and what was done', async () => {
    const described = await kubectl.out('describe deploy web')
    expect(described).toMatch(/Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable\n/)
    for (const line of [/ Available +True +MinimumReplicasAvailable\n/, / Progressing +True +NewReplicaSetAvailable\n/])
      expect(described).toMatch(line)
    expect(described).toMatch(/OldReplicaSets: +<none>\nNewReplicaSet: +web-\w+ \(2\/2 replicas created\)\nEvents:[\s\S]*ScalingReplicaSet/)
    expect(await kubectl.out('describe rs -l app=web')).toMatch(/Controlled By: +Deployment\/web\nReplicas: +2 current \/ 2 desired\n/)
  })

  it('reads logs of it, runs commands in it, by the name of its container', async () => {
    expect(await kubectl.out('logs deploy/web -c web')).toContain('one\n')
    expect(await kubectl.out('exec deploy/web -c web -- echo inside')).toBe('inside\n')
    expect(await kubectl.refusal('logs deploy/web -c side')).toMatch(/container side is not valid for pod web-/)
  })

  it('reaches what it listens on', async () => {
    const port = await freePort()
    const program = `require('net').createServer({ allowHalfOpen: true }, (s) => s.pipe(s)).listen(${port}, '127.0.0.1')`
    await create(
      deployment(
        'listener',
        {
          command: [process.execPath, '-e', program],
          ports: [{ containerPort: port, name: 'hello' }],
          readinessProbe: { tcpSocket: { port: 'hello' }, periodSeconds: 1 },
        },
        { replicas: 1 },
      ),
    )
    await rolledOut('listener')
    const forward = kubectl.follow(`port-forward deploy/listener :${port}`)
    await eventually(() => expect(forward.text()).toMatch(/Forwarding from 127.0.0.1:\d+/), patience)
    const local = Number(/127\.0\.0\.1:(\d+)/.exec(forward.text())?.[1])
    const socket = net.connect({ port: local, host: '127.0.0.1', allowHalfOpen: true })
    socket.end('hello')
    expect(await text(socket)).toBe('hello')
    await forward.end()
    await kubectl.out('delete deploy listener --wait=false')
  })

  it('rolls a change out, shows the history, and goes back', async () => {
    await kubectl.out('set env deploy/web VERSION=two')
    await kubectl.out('annotate deploy web kubernetes.io/change-cause=second')
    await rolledOut('web')
    await eventually(async () => expect(await logs('web')).toEqual(['two']), patience)
    await eventually(async () => expect(await kubectl.out('rollout history deploy/web')).toMatch(/\n1 +<none>\n2 +second\n/), patience)
    expect(await kubectl.out('rollout history deploy/web --revision=1')).toMatch(/revision #1\n[\s\S]*VERSION:\s+one\n/)
    expect(await kubectl.out('rollout undo deploy/web')).toBe('deployment.apps/web rolled back\n')
    await rolledOut('web')
    await eventually(async () => expect(await logs('web')).toEqual(['one']), patience)
    expect(await kubectl.out('rollout undo deploy/web --to-revision=2')).toBe('deployment.apps/web rolled back\n')
    await rolledOut('web')
    await eventually(async () => expect(await logs('web')).toEqual(['two']), patience)
    expect(await kubectl.out('rollout history deploy/web')).toMatch(/\n3 +<none>\n4 +second\n/)
    expect(await kubectl.refusal('rollout undo deploy/web --to-revision=9')).toContain('unable to find specified revision 9')
  })

  it('starts all Tasks anew, and holds changes back', async () => {
    const tasks = () => kubectl.out('get tasks -l app=web -o name')
    const before = await tasks()
    await kubectl.out('rollout restart deploy/web')
    await rolledOut('web')
    await eventually(async () => expect(before).not.toContain((await tasks()).split('\n')[0]), patience)
    await kubectl.out('rollout pause deploy/web')
    await kubectl.out('set env deploy/web VERSION=three')
    await kubectl.out('scale deploy/web --replicas=3')
    await eventually(async () => expect(await kubectl.out('get deploy web --no-headers')).toMatch(/^web +3\/3 +0 +3 /), patience)
    expect(await logs('web')).toEqual(['two'])
    expect(await kubectl.refusal('rollout undo deploy/web')).toContain('paused')
    await kubectl.out('rollout resume deploy/web')
    await rolledOut('web')
    await eventually(async () => expect(await logs('web')).toEqual(['three']), patience)
  })

  it('sets the image of what was created from arguments', async () => {
    await create(deployment('image', { image: 'nginx:1', command: ['sleep'] }, {}, { affinity: onNodes('Exists') }))
    await rolledOut('image')
    await kubectl.out('set image deploy/image *=nginx:2')
    await rolledOut('image')
    expect(await kubectl.out(`get tasks -l app=image -o jsonpath='{.items[*].spec.image}'`)).toContain('nginx:2')
    expect(await kubectl.out('get rs -l app=image -o wide --no-headers')).toMatch(/nginx:1/)
  })

  it('says that a rollout does not come to its end', async () => {
    await create(
      deployment(
        'stuck',
        { ...script('sleep 600'), readinessProbe: { exec: { command: ['false'] }, periodSeconds: 1 } },
        { progressDeadlineSeconds: 2 },
      ),
    )
    expect(await kubectl.refusal('rollout status deploy/stuck --timeout=120s')).toContain(
      'deployment "stuck" exceeded its progress deadline',
    )
    expect(await kubectl.out('get deploy stuck --no-headers')).toMatch(/^stuck +0\/2 +2 +0 /)
  })

  it('deletes it with all that is its, or leaves it', async () => {
    await kubectl.out('delete deploy stuck --cascade=foreground --timeout=90s')
    expect(await kubectl.out('get rs,tasks -l app=stuck -o name')).toBe('')
    await kubectl.out('delete deploy web --cascade=orphan')
    expect(await kubectl.out('get rs -l app=web -o name')).toMatch(/^replicaset.apps\/web-/)
    expect(await kubectl.out('get tasks -l app=web -o name')).toMatch(/^(task.millrace.dev\/web-\S+\n){3}$/)
    await kubectl.out('delete rs -l app=web')
    await kubectl.out('delete deploy image')
    await eventually(async () => expect(await kubectl.out('get deploy,rs,tasks -o name')).toBe(''), patience)
  })
})

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
