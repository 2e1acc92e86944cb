/** The commands about Deployments and ReplicaSets: create, scale, set, rollout, describe. What controllers write, the test writes here. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(async () => await line[Symbol.asyncDispose]())

const out = async (words: string): Promise<string> => {
  const result = await line.run(words)
  expect(result, words).toMatchObject({ code: 0, err: '' })
  return result.out
}
const field = (name: string, path: string) => out(`get deployment ${name} -o jsonpath={${path}}`)
const json = async (what: string) => JSON.parse(await out(`get ${what} -o json`))
const apply = async (object: object) =>
  expect(await line.run('apply -f - --force-conflicts', { input: JSON.stringify(object) })).toMatchObject({ code: 0 })

/** The ReplicaSet that a controller would make of a template. */
async function makeSet(name: string, revision: number, image: string, more: { cause?: string; replicas?: number } = {}): Promise<void> {
  const { metadata, spec } = await json('deployment web')
  const hash = { 'pod-template-hash': `h${revision}` }
  const [container] = spec.template.spec.containers
  const template = {
    metadata: { ...spec.template.metadata, labels: { app: 'web', ...hash } },
    spec: { ...spec.template.spec, containers: [{ ...container, image }] },
  }
  await apply({
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: {
      name,
      labels: { app: 'web', ...hash },
      annotations: {
        'deployment.kubernetes.io/revision': String(revision),
        ...(more.cause ? { 'kubernetes.io/change-cause': more.cause } : {}),
      },
      ownerReferences: [{ apiVersion: 'apps/v1', kind: 'Deployment', name: 'web', uid: metadata.uid, controller: true }],
    },
    spec: { replicas: more.replicas ?? 0, selector: { matchLabels: { app: 'web', ...hash } }, template },
  })
}

const setStatus = (status: object) =>
  line
    .run(['patch', 'deployment', 'web', '--subresource=status', '-p', JSON.stringify({ status })])
    .then(({ code }) => expect(code).toBe(0))

describe('create deployment', () => {
  it('makes one of an image, named as kubectl names its container', async () => {
    expect(await out('create deployment web --image=registry.test/team/nginx:1 --replicas=2 --port=80')).toBe(
      'deployment.apps/web created\n',
    )
    expect((await json('deployment web')).spec).toMatchObject({
      replicas: 2,
      selector: { matchLabels: { app: 'web' } },
      template: { spec: { containers: [{ name: 'nginx', image: 'registry.test/team/nginx:1', ports: [{ containerPort: 80 }] }] } },
    })
    expect(await field('web', '.metadata.labels.app')).toBe('web')
  })

  it('makes one of plain processes, and is told what is missing', async () => {
    expect(await out('create deploy shell --dry-run=server -- sleep 600')).toBe('deployment.apps/shell created (server dry run)\n')
    expect(JSON.parse(await out('create deploy shell --dry-run=client -o json -- sleep 600')).spec.template.spec.containers).toEqual([
      { name: 'shell', command: ['sleep', '600'] },
    ])
    expect(await line.run('create deployment nothing')).toMatchObject({ code: 2, err: expect.stringContaining('say what to run') })
    expect(await line.run('create deployment x --image=a --replicas=many')).toMatchObject({ code: 2 })
  })
})

describe('scale', () => {
  it('sets the number, also only from what it was', async () => {
    expect(await out('scale deployment/web --replicas=3')).toBe('deployment.apps/web scaled\n')
    expect(await out('scale deploy web --current-replicas=3 --replicas=4 --dry-run=server')).toContain('(server dry run)')
    expect(await out('scale deploy web --current-replicas=3 --replicas=2')).toBe('deployment.apps/web scaled\n')
    expect(await line.run('scale deploy web --current-replicas=3 --replicas=9')).toMatchObject({
      code: 4,
      err: expect.stringContaining('expected replicas to be 3, was 2'),
    })
    expect(await field('web', '.spec.replicas')).toBe('2')
    expect(await line.run('scale deploy absent --replicas=1')).toMatchObject({ code: 3 })
    expect(await line.run('scale task t --replicas=1')).toMatchObject({ code: 2, err: expect.stringContaining('no number of replicas') })
    expect(await line.run('scale deploy web --replicas=-1')).toMatchObject({ code: 2 })
  })
})

describe('set', () => {
  it('sets the image of a container by its name, or of whichever there is', async () => {
    expect(await out('set image deployment/web nginx=nginx:2')).toBe('deployment.apps/web image updated\n')
    expect(await out('set image deployment/web nginx=nginx:2')).toBe('')
    expect(await out(`set image deploy/web '*=nginx:3'`)).toContain('image updated')
    expect(await field('web', '.spec.template.spec.containers[0].image')).toBe('nginx:3')
    expect(await line.run('set image deploy/web side=x')).toMatchObject({
      code: 2,
      err: expect.stringContaining('the one there is called "nginx"'),
    })
    expect(await line.run('set image deploy/web')).toMatchObject({ code: 2, err: expect.stringContaining('say what to set') })
    expect(await line.run('set image task/t main=x')).toMatchObject({ code: 2, err: expect.stringContaining('has no template') })
  })

  it('sets, lists and takes away variables', async () => {
    expect(await out('set env deployment/web A=1 B=x=y')).toBe('deployment.apps/web env updated\n')
    expect(await out('set env deployment/web A- C=')).toBe('deployment.apps/web env updated\n')
    expect(await out('set env deployment/web --list')).toBe('# deployment.apps/web\nB=x=y\nC=\n')
    expect(await line.run('set env deployment/web A')).toMatchObject({ code: 2 })
  })
})

describe('rollout', () => {
  it('follows the rollout in words, to its end', async () => {
    const follower = line.run('rollout status deployment/web --timeout=60s')
    const { generation: observedGeneration } = (await json('deployment web')).metadata
    await setStatus({ observedGeneration, replicas: 2, updatedReplicas: 1 })
    await setStatus({ observedGeneration, replicas: 3, updatedReplicas: 2 })
    await setStatus({ observedGeneration, replicas: 2, updatedReplicas: 2, availableReplicas: 1 })
    expect(await out('rollout status deployment/web --watch=false')).toContain('1 of 2 updated replicas are available...\n')
    await setStatus({ observedGeneration, replicas: 2, updatedReplicas: 2, availableReplicas: 2 })
    expect(await follower).toMatchObject({ code: 0, out: expect.stringMatching(/deployment "web" successfully rolled out\n$/) })
    await eventually(async () => expect(await out('rollout status deploy web')).toBe('deployment "web" successfully rolled out\n'))
  })

  it('says that it failed, or that it took too long', async () => {
    const { generation: observedGeneration } = (await json('deployment web')).metadata
    const conditions = [{ type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded' }]
    await setStatus({ observedGeneration, conditions })
    expect(await line.run('rollout status deploy web')).toMatchObject({
      code: 1,
      err: 'error: deployment "web" exceeded its progress deadline\n',
    })
    await setStatus({ conditions: null, updatedReplicas: 0 })
    expect(await line.run('rollout status deploy web --timeout=50ms')).toMatchObject({ code: 7 })
    expect(await line.run('rollout status deploy absent')).toMatchObject({ code: 3 })
    expect(await line.run('rollout status task t')).toMatchObject({ code: 2, err: expect.stringContaining('has no rollouts') })
  })

  it('restarts, pauses and resumes', async () => {
    expect(await out('rollout restart deployment/web')).toBe('deployment.apps/web restarted\n')
    expect(await field('web', '.spec.template.metadata.annotations')).toContain('kubectl.kubernetes.io/restartedAt')
    expect(await line.run('rollout resume deployment/web')).toMatchObject({ code: 1, err: expect.stringContaining('is not paused') })
    expect(await out('rollout pause deployment/web')).toBe('deployment.apps/web paused\n')
    expect(await line.run('rollout pause deployment/web')).toMatchObject({ code: 1, err: expect.stringContaining('is already paused') })
    expect(await line.run('rollout undo deployment/web')).toMatchObject({ code: 1, err: expect.stringContaining('is paused') })
    expect(await out('rollout resume deployment/web')).toBe('deployment.apps/web resumed\n')
  })

  it('tells of the revisions, and goes back', async () => {
    expect(await out('rollout history deployment/web')).toBe('deployment.apps/web\nNo rollout history found.\n')
    expect(await line.run('rollout undo deployment/web')).toMatchObject({ code: 3 })
    await makeSet('web-one', 1, 'nginx:1', { cause: 'the first' })
    await makeSet('web-two', 2, 'nginx:2')
    await out('set image deployment/web nginx=nginx:3')
    await makeSet('web-three', 3, 'nginx:3', { replicas: 2 })
    expect(await out('rollout history deployment/web')).toMatch(
      /^deployment.apps\/web\nREVISION +CHANGE-CAUSE\n1 +the first\n2 +<none>\n3 +<none>\n$/,
    )
    expect(await out('rollout history deployment/web --revision=1')).toMatch(/with revision #1\nTemplate:\n[\s\S]*Image: +nginx:1\n/)
    expect(await line.run('rollout history deployment/web --revision=9')).toMatchObject({ code: 3 })
    expect(await out('rollout undo deployment/web')).toBe('deployment.apps/web rolled back\n')
    expect(await field('web', '.spec.template.spec.containers[0].image')).toBe('nginx:2')
    expect(await out('rollout undo deployment/web --to-revision=1')).toBe('deployment.apps/web rolled back\n')
    expect(await field('web', '.spec.template.metadata.labels')).toBe('{"app":"web"}')
    expect((await json('deployment web')).metadata.annotations).toMatchObject({ 'kubernetes.io/change-cause': 'the first' })
    expect(await out('rollout undo deployment/web --to-revision=1')).toContain('skipped rollback')
    expect(await line.run('rollout undo deployment/web --to-revision=7')).toMatchObject({ code: 3 })
  })
})

describe('describe', () => {
  it('tells of a Deployment how far it is, its template, and its ReplicaSets', async () => {
    const text = await out('describe deployment web')
    expect(text).toMatch(/^Name: +web\nNamespace: +default\n/)
    expect(text).toMatch(/Strategy: +RollingUpdate, at most 25% more, 25% unavailable\n/)
    expect(text).toMatch(/New ReplicaSet: +web-one \(revision 1: 0 desired, 0 there, 0 available\)\n/)
    expect(text).toMatch(/Old ReplicaSets: +web-three \(revision 3: 2 desired/)
    expect(text).toMatch(
      /Template:\n +Labels: +app=web\n[\s\S]*Container: +nginx\n +Backend: +docker\n +Image: +nginx:1\n[\s\S]*Ports: +80\/TCP\n[\s\S]*Desired: .*\nActual: /,
    )
  })

  it('tells of a ReplicaSet whose it is', async () => {
    expect(await out('describe rs web-two')).toMatch(/Controlled By: +Deployment\/web\nRevision: +2\nReplicas: +0 desired, 0 there/)
  })
})

describe('logs, exec, attach and port-forward', () => {
  it('of a Deployment are those of one of its Tasks, the one that is best to ask', async () => {
    expect(await line.run('logs deployment/web')).toMatchObject({ code: 3, err: expect.stringContaining('deployment/web has no Tasks') })
    for (const [name, phase] of [
      ['waits', 'Pending'],
      ['runs', 'Running'],
    ] as const) {
      await apply({
        apiVersion: 'millrace.dev/v1',
        kind: 'Task',
        metadata: { name, labels: { app: 'web' } },
        spec: { image: 'x', nodeName: 'n1' },
      })
      const conditions = [{ type: 'Ready', status: phase === 'Running' ? 'True' : 'False' }]
      await line.run(['patch', 'task', name, '--subresource=status', '-p', JSON.stringify({ status: { phase, conditions } })])
    }
    // Each waits for an agent that does not come, so they wait side by side.
    const commands = ['logs deployment/web', 'exec deploy/web -- true', 'attach deployment/web']
    const results = await Promise.all(commands.map((command) => line.run(command)))
    for (const { err } of results) expect(err).toMatch(/^Found 2 Tasks, using task\/runs\n/)
  })
})
