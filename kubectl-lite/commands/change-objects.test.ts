/** The commands that change objects: label, annotate, patch, delete, run, cordon, taint; and wait. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
const map = (name: string, metadata = {}) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata } })
const node = (name: string) => JSON.stringify({ apiVersion: 'v1', kind: 'Node', metadata: { name, labels: { pool: 'x' } } })

beforeAll(async () => {
  line = await commandLine()
  await line.run('label namespace default millrace.dev/security=privileged')
  expect((await line.run('create -f -', { input: [map('m'), node('n1'), node('n2')].join('\n---\n') })).code).toBe(0)
})
afterAll(async () => await line[Symbol.asyncDispose]())

describe('label and annotate', () => {
  it('set, refuse to replace unasked, replace, remove', async () => {
    expect((await line.run('label configmap m a=1 b=2')).out).toBe('configmap/m labeled\n')
    expect((await line.run('label configmap m a=1')).out).toBe('configmap/m not labeled\n')
    const refused = await line.run('label configmap m a=2')
    expect(refused.err).toContain("'a' already has a value (1), and --overwrite is false")
    expect(refused.code).toBe(2)
    expect((await line.run('label configmap/m a=2 b- --overwrite')).out).toBe('configmap/m labeled\n')
    expect((await line.run('label configmap m --list')).out).toBe('a=2\n')
    expect((await line.run('label configmap m a-')).out).toBe('configmap/m unlabeled\n')
    expect((await line.run("annotate configmap m note='two words'")).out).toBe('configmap/m annotated\n')
    expect((await line.run(['get', 'configmap', 'm', '-o', 'jsonpath={.metadata.annotations.note}'])).out).toBe('two words')
  })

  it.each([
    ['label configmap m a=b=c', 'not a label value'],
    ['label configmap m -a=1', 'unknown option'],
    ['label configmap m', 'at least one change'],
    ['label configmap a=1', 'no name was specified'],
    ['label configmap m x=1 x-', 'both set and remove'],
    ['label configmap m x=1 --list', '--list prints the labels and changes none'],
  ])('%s is refused', async (text, message) => {
    const { code, err } = await line.run(text)
    expect(err).toContain(message)
    expect(code).toBe(2)
  })
})

describe('patch', () => {
  it('sends merge and JSON patches', async () => {
    expect((await line.run(['patch', 'configmap', 'm', '-p', 'data: {k: v}'])).out).toBe('configmap/m patched\n')
    expect((await line.run(['patch', 'configmap', 'm', '-p', '{"data":{"k":"v"}}'])).out).toBe('configmap/m patched (no change)\n')
    const operations = '[{"op":"replace","path":"/data/k","value":"w"}]'
    expect((await line.run(['patch', 'configmap/m', '--type=json', '-p', operations, '-o', 'jsonpath={.data.k}'])).out).toBe('w')
  })

  it.each([
    [['patch', 'configmap', 'm', '--type=strategic', '-p', '{}'], 2, 'not supported'],
    [['patch', 'configmap', 'm', '-p', '[]'], 2, 'needs --type=json'],
    [['patch', 'configmap', 'm'], 2, 'give the patch with -p'],
    [['patch', 'configmap', 'm', '-p', '{"data":5}'], 6, 'is invalid'],
    [['patch', 'configmap', 'absent', '-p', '{}'], 3, 'not found'],
  ])('%j ends with %i', async (words, code, message) => {
    const result = await line.run(words)
    expect(result.err).toContain(message)
    expect(result.code).toBe(code)
  })
})

describe('delete', () => {
  it('deletes by name, label, file and all', async () => {
    await line.run('create -f -', { input: ['d1', 'd2', 'd3', 'd4'].map((name) => map(name, { labels: { d: name } })).join('\n---\n') })
    expect(await line.run('delete configmap d1')).toEqual({ code: 0, out: 'configmap "d1" deleted\n', err: '' })
    expect((await line.run('delete configmap -l d=d2')).out).toBe('configmap "d2" deleted\n')
    expect((await line.run('delete -f -', { input: map('d3') })).out).toBe('configmap "d3" deleted\n')
    expect((await line.run('delete configmap d4 --dry-run=server')).out).toBe('configmap "d4" deleted (server dry run)\n')
    expect((await line.run('delete configmaps --all -n kube-public')).err).toBe('No resources found\n')
    expect((await line.run('get configmaps -l d -o name')).out).toBe('configmap/d4\n')
    expect((await line.run('delete configmap d1')).code).toBe(3)
    expect((await line.run('delete configmap d1 --ignore-not-found')).code).toBe(0)
  })

  it('needs to be told what', async () => {
    const { code, err } = await line.run('delete configmaps')
    expect(err).toContain('no name was specified')
    expect(code).toBe(2)
  })

  it('waits until the object is gone, and says what holds it when time is up', async () => {
    await line.run('create -f -', { input: map('held', { finalizers: ['example.com/hold'] }) })
    const late = await line.run('delete configmap held --timeout=50ms')
    expect(late).toMatchObject({ code: 7, out: 'configmap "held" deleted\n' })
    expect(late.err).toContain('timed out waiting for the deletion of configmaps/held')
    const waiting = line.run('wait configmap/held --for=delete')
    await line.run(['patch', 'configmap', 'held', '-p', '{"metadata":{"finalizers":null}}'])
    expect(await waiting).toEqual({ code: 0, out: 'configmap/held deleted\n', err: '' })
  })
})

describe('run', () => {
  it('makes a Task', async () => {
    expect((await line.run('run hello --env A=1 --limits memory=64Mi -- echo hi')).out).toBe('task.millrace.dev/hello created\n')
    const { spec } = JSON.parse((await line.run('get task hello -o json')).out) as { spec: object }
    expect(spec).toMatchObject({ command: ['echo', 'hi'], env: [{ name: 'A', value: '1' }], resources: { limits: { memory: '64Mi' } } })
    expect((await line.run('run hello -- echo hi')).code).toBe(4)
  })

  it("gives the words to an image's entrypoint", async () => {
    const { out } = await line.run("run web --image nginx --dry-run=client -o jsonpath='{.spec.image} {.spec.args} {.spec.command}' -- -v")
    expect(out).toBe('nginx ["-v"] ')
  })

  it('needs something to run', async () => {
    const { code, err } = await line.run('run empty')
    expect(err).toContain('say what to run')
    expect(code).toBe(2)
  })
})

describe('wait', () => {
  it('ends when the condition holds', async () => {
    await line.run('run waited -- true')
    const waiting = line.run('wait task/waited --for=condition=complete --timeout=90s')
    const condition = { type: 'Complete', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }
    await line.run([
      'patch',
      'task',
      'waited',
      '--subresource=status',
      '-p',
      JSON.stringify({ status: { phase: 'Succeeded', conditions: [condition] } }),
    ])
    expect(await waiting).toEqual({ code: 0, out: 'task.millrace.dev/waited condition met\n', err: '' })
    expect((await line.run("wait task/waited --for=jsonpath='{.status.phase}'=Succeeded")).code).toBe(0)
  })

  it('tells of each object, past one that is late', async () => {
    await line.run('run never -- true')
    const { code, out, err } = await line.run('wait task/never task/absent task/waited --for=condition=Complete --timeout=2s')
    expect(out).toBe('task.millrace.dev/waited condition met\n')
    expect(err).toMatch(/timed out waiting for the condition Complete=True on tasks\/never\n.*"absent" not found\n$/)
    expect(code).toBe(7)
  })

  it('waits for creation', async () => {
    const waiting = line.run('wait configmap/late --for=create --timeout=90s')
    await line.run('create -f -', { input: map('late') })
    expect((await waiting).out).toBe('configmap/late created\n')
  })

  it.each([
    ['wait task/waited --for=condition=Ready --timeout=50ms', 7, 'timed out waiting for the condition Ready=True on tasks/waited'],
    ['wait task/waited --for=condition=Ready --timeout=0', 7, 'timed out'],
    ['wait task/absent --for=condition=Ready', 3, 'not found'],
    ['wait task/waited --for=redness', 2, '--for=redness is not known'],
    ['wait task/waited', 2, 'required option'],
    ['wait task/waited --for=delete --timeout=soon', 2, 'It is a duration'],
  ])('%s ends with %i', async (text, code, message) => {
    const result = await line.run(text)
    expect(result.err).toContain(message)
    expect(result.code).toBe(code)
  })
})

describe('nodes', () => {
  const spec = async (name: string) =>
    (JSON.parse((await line.run(`get node ${name} -o json`)).out) as { spec?: Record<string, unknown> }).spec ?? {}

  it('are cordoned and uncordoned', async () => {
    expect((await line.run('cordon n1')).out).toBe('node/n1 cordoned\n')
    expect((await line.run('cordon n1')).out).toBe('node/n1 already cordoned\n')
    expect(await spec('n1')).toMatchObject({ unschedulable: true })
    expect((await line.run('uncordon -l pool=x')).out).toBe('node/n1 uncordoned\nnode/n2 already uncordoned\n')
    expect((await spec('n1')).unschedulable).toBeUndefined()
  })

  it('are tainted and untainted', async () => {
    expect((await line.run('taint node n1 gpu=broken:NoSchedule')).out).toBe('node/n1 tainted\n')
    expect((await line.run('taint node n1 gpu=other:NoSchedule')).code).toBe(2)
    expect((await line.run('taint node n1 gpu=other:NoSchedule --overwrite')).out).toBe('node/n1 tainted\n')
    expect(await spec('n1')).toMatchObject({ taints: [{ key: 'gpu', value: 'other', effect: 'NoSchedule' }] })
    expect((await line.run('taint node n1 gpu-')).out).toBe('node/n1 untainted\n')
    expect((await spec('n1')).taints).toBeUndefined()
    expect((await line.run('taint node n1 a=b:NoShedule')).err).toContain('Did you mean "NoSchedule"?')
  })

  it('are drained: the taint asks for eviction, and the command waits until the Tasks have left', async () => {
    const bound = (name: string, onNodeLost: string) =>
      JSON.stringify({
        apiVersion: 'millrace.dev/v1',
        kind: 'Task',
        metadata: { name },
        spec: { command: ['true'], nodeName: 'n2', onNodeLost },
      })
    await line.run('create -f -', { input: [bound('moves', 'Reschedule'), bound('ends', 'Keep')].join('\n---\n') })
    const refused = await line.run('drain n2')
    expect(refused).toMatchObject({ code: 1, out: 'node/n2 cordoned\n' })
    expect(refused.err).toContain('would end for good')
    expect(refused.err).toContain('default/ends')
    const drained = line.run('drain n2 --force --timeout=90s')
    await eventually(async () => expect(await spec('n2')).toMatchObject({ taints: [{ key: 'millrace.dev/drain', effect: 'NoExecute' }] }))
    for (const name of ['moves', 'ends'])
      await line.run(['patch', 'task', name, '--subresource=status', '-p', '{"status":{"phase":"Failed"}}'])
    expect(await drained).toMatchObject({
      code: 0,
      out: 'node/n2 already cordoned\ntask.millrace.dev/ends evicted\ntask.millrace.dev/moves evicted\nnode/n2 drained\n',
    })
    expect((await line.run('uncordon n2')).code).toBe(0)
    expect((await spec('n2')).taints).toBeUndefined()
  })

  it('are drained of Vpses, which stop and stay', async () => {
    const vps = { apiVersion: 'millrace.dev/v1', kind: 'Vps', metadata: { name: 'dev' }, spec: { image: 'busybox', nodeName: 'n2' } }
    await line.run('create -f -', { input: JSON.stringify(vps) })
    expect((await line.run('describe node n2')).out).toMatch(/Vpses:\n.*\n.*\n +default +dev +\w+ +0\.1 +[\d.]+Mi\n/)
    const drained = line.run('drain n2 --timeout=90s')
    await eventually(async () => expect(await spec('n2')).toMatchObject({ taints: [{ key: 'millrace.dev/drain', effect: 'NoExecute' }] }))
    await line.run(['patch', 'vps', 'dev', '--type=merge', '-p', '{"spec":{"running":false}}'])
    await line.run(['patch', 'vps', 'dev', '--type=merge', '--subresource=status', '-p', '{"status":{"phase":"Stopped"}}'])
    expect(await drained).toMatchObject({
      code: 0,
      out: 'node/n2 cordoned\nvps.millrace.dev/dev stopped\nnode/n2 drained\n',
      err: 'stopping vps default/dev, which keeps its disk here\n',
    })
    expect((await line.run('uncordon n2')).code).toBe(0)
  })
  it('are drained as disruption budgets allow: the command says which each Task waits for', async () => {
    const setStatus = (what: string, status: object, name = 'guarded') =>
      line.run(['patch', what, name, '--subresource=status', '-p', JSON.stringify({ status })])
    for (const name of ['guarded', 'guarded-too']) {
      const bound = {
        apiVersion: 'millrace.dev/v1',
        kind: 'Task',
        metadata: { name, labels: { app: name } },
        spec: { command: ['true'], nodeName: 'n2', onNodeLost: 'Reschedule' },
      }
      await line.run('create -f -', { input: JSON.stringify(bound) })
      await line.run(`create pdb ${name} --selector app=${name} --min-available 1`)
      await setStatus('task', { phase: 'Running', conditions: [{ type: 'Running', status: 'True' }] }, name)
      await setStatus('pdb', { observedGeneration: 1, disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 1, expectedPods: 1 }, name)
    }
    let said = ''
    const drained = line.run('drain n2 --timeout=90s', { onErr: (text) => (said = text) })
    await eventually(() => {
      for (const name of ['guarded', 'guarded-too'])
        expect(said).toContain(`task default/${name} waits: The disruption budget ${name} needs 1 healthy pods and has 0 currently\n`)
    })
    await setStatus('task', { phase: 'Failed' }, 'guarded-too')
    expect((await spec('n2')).taints).toEqual([{ key: 'millrace.dev/drain', effect: 'NoExecute' }])
    await setStatus('task', { phase: 'Failed' })
    expect(await drained).toMatchObject({ code: 0, out: expect.stringContaining('node/n2 drained\n') })
    await setStatus('task', { phase: 'Running' })
    const forced = line.run('drain n2 --ignore-budgets --timeout=90s')
    await eventually(async () =>
      expect((await spec('n2')).taints).toEqual([{ key: 'millrace.dev/drain', value: 'forced', effect: 'NoExecute' }]),
    )
    await setStatus('task', { phase: 'Failed' })
    expect((await forced).code).toBe(0)
    await line.run('uncordon n2')
    expect((await spec('n2')).taints).toBeUndefined()
  })
})
