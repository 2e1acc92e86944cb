/** Two nodes with several hundred objects, and one of the nodes is in the wrong hands: over HTTPS, nothing of the other's opens. */
import https from 'node:https'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { builtinKinds } from '../../../lib/api/kinds/index.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { type TestCluster, testCluster } from '../../../lib/testing/test-cluster.js'
import type { StoredObject } from '../../storage/store.js'

const perNode = 60
const canary = (node: string) => `canary-of-${node}`

let cluster: TestCluster
let agentOfA: https.Agent

beforeAll(async () => {
  cluster = await testCluster({ tls: true })
  const config = await cluster.configOf('system:node:a', ['system:nodes'])
  const pem = (source: TestCluster['admin']['ca']) => (source && 'data' in source ? source.data : undefined)
  agentOfA = new https.Agent({ keepAlive: true, maxSockets: 8, ca: pem(config.ca), cert: pem(config.certificate), key: pem(config.key) })
  await make('Namespace', '', { metadata: { name: 'shared' } })
  await make('Namespace', '', { metadata: { name: 'tenant' } })
  for (const node of ['a', 'b']) {
    await make('Node', '', { metadata: { name: node }, spec: { podCIDR: node === 'a' ? '172.30.0.0/24' : '172.30.1.0/24' } })
    await make('Lease', 'kube-node-lease', { metadata: { name: node }, spec: { holderIdentity: node } })
    await make('Event', 'default', { metadata: { name: `about-${node}` }, involvedObject: { kind: 'Node', name: node } })
    await Promise.all(
      Array.from({ length: perNode }, (_, index) => makeTask(node, node === 'b' && index % 2 ? 'tenant' : 'shared', `${node}-${index}`)),
    )
    for (const namespace of node === 'a' ? ['shared'] : ['shared', 'tenant']) await makeMachine(node, namespace, `${node}-0`)
  }
  await makeTask(undefined, 'shared', 'unbound')
  await makeMachine(undefined, 'shared', 'unbound')
})
afterAll(async () => {
  agentOfA.destroy()
  await cluster.close()
})

async function make(kindName: string, namespace: string, value: object): Promise<void> {
  const kind = builtinKinds.find(({ kind }) => kind === kindName) as Kind
  const context = {
    user: { name: 'admin', groups: ['system:masters'] },
    requestId: 'r',
    fieldManager: 't',
    namesFieldManager: false,
    dryRun: false,
    fieldValidation: 'Strict',
    warn: () => {},
  } as const
  await cluster.registry.create(kind, namespace, { value, duplicates: [] }, context)
}

/** A Task with a Secret and a ConfigMap that it names, both with a canary. */
async function makeTask(nodeName: string | undefined, namespace: string, name: string): Promise<void> {
  const value = canary(nodeName ?? 'nobody')
  await make('Secret', namespace, { metadata: { name }, stringData: { value } })
  await make('ConfigMap', namespace, { metadata: { name }, data: { value } })
  const env = [{ name: 'SECRET', valueFrom: { secretKeyRef: { name, key: 'value' } } }]
  const spec = { command: ['true'], backend: 'docker', image: 'busybox', nodeName, env, envFrom: [{ configMapRef: { name } }] }
  await make('Task', namespace, { metadata: { name, labels: { canary: value } }, spec })
}

/** A Vps with a snapshot and an address that people reserved for it, and a Tunnel to it, all with a canary. */
async function makeMachine(nodeName: string | undefined, namespace: string, name: string): Promise<void> {
  const metadata = { name, labels: { canary: canary(nodeName ?? 'nobody') } }
  await make('Vps', namespace, { metadata, spec: { image: 'debian', nodeName } })
  if (nodeName !== undefined) {
    await markStarted(namespace, name)
    await make('VpsSnapshot', namespace, { metadata, spec: { vpsName: name } })
  }
  await make('Tunnel', namespace, { metadata, spec: { target: { kind: 'Vps', name, port: 22 } } })
  await make('IPClaim', namespace, { metadata, spec: { nodeName: nodeName ?? 'b' } })
}

/** What was never started has no disk that could be copied. */
async function markStarted(namespace: string, name: string): Promise<void> {
  const vpses = cluster.client.of(Vps)
  await vpses.mergePatch({ namespace, name }, { status: { starts: 1 } }, { subresource: 'status' })
}

interface Answer {
  readonly code: number
  readonly text: string
}

/** A request as node a. An answer that goes on is cut after its first bytes. */
function asA(method: string, path: string, body?: object, contentType = 'application/json'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = https.request(`${cluster.url}${path}`, {
      method,
      agent: agentOfA,
      headers: body ? { 'content-type': contentType } : {},
    })
    request.on('error', reject)
    request.on('response', (response) => {
      let text = ''
      const done = () => resolve({ code: response.statusCode ?? 0, text })
      response.on('data', (chunk) => {
        text += chunk
        if (path.includes('watch')) {
          done()
          request.destroy()
        }
      })
      response.on('end', done)
    })
    request.end(body ? JSON.stringify(body) : undefined)
  })
}

function pathOf(kind: Kind, namespace: string, name = ''): string {
  const prefix = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.apiVersion}`
  return `${prefix}${kind.scope === 'Namespaced' && namespace ? `/namespaces/${namespace}` : ''}/${kind.plural}${name && `/${name}`}`
}

const stored = (): StoredObject[] =>
  builtinKinds.flatMap((kind) => cluster.store.list({ group: kind.group, resource: kind.plural }).objects)

/** Everything in the cluster that is neither node a nor bound to it nor named by what is. */
function foreign(): { kind: Kind; object: StoredObject }[] {
  const ownByName = /^a(-\d+)?$|^about-a$/
  return builtinKinds.flatMap((kind) =>
    cluster.store
      .list({ group: kind.group, resource: kind.plural })
      .objects.filter(({ key }) => !ownByName.test(key.name) && key.name !== 'shared')
      .map((object) => ({ kind, object })),
  )
}

const merge = 'application/merge-patch+json'

/** Every way to touch one object. */
function attacks(kind: Kind, object: StoredObject): [method: string, path: string, body?: object, contentType?: string][] {
  const { namespace, name } = object.key
  const path = pathOf(kind, namespace, name)
  const whole = JSON.parse(object.bytes.toString()) as KubeObject
  const changed = { ...whole, metadata: { ...whole.metadata, labels: { own: 'ed' } }, status: { phase: 'Failed' } }
  const subresources = ['status', 'binding', 'log', 'exec', 'approval', 'finalize']
  return [
    ['GET', path],
    ['PUT', path, changed],
    ['PATCH', path, { metadata: { labels: { own: 'ed' } } }, merge],
    ['PATCH', path, { metadata: { finalizers: null } }, merge],
    ['DELETE', path],
    ['GET', `${pathOf(kind, namespace)}?fieldSelector=metadata.name%3D${name}`],
    ['GET', `${pathOf(kind, namespace)}?watch=true&fieldSelector=metadata.name%3D${name}`],
    ['DELETE', `${pathOf(kind, namespace)}?fieldSelector=metadata.name%3D${name}`],
    ...subresources.flatMap((subresource): [string, string, object?, string?][] => [
      ['GET', `${path}/${subresource}`],
      ['PUT', `${path}/${subresource}`, changed],
      ['POST', `${path}/${subresource}`, { target: { kind: 'Node', name: 'a' } }],
      ['PATCH', `${path}/${subresource}`, { status: { phase: 'Failed' } }, merge],
    ]),
  ]
}

async function inTurns<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = items[Symbol.iterator]()
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (const item of queue) await run(item)
    }),
  )
}

describe('node a in the wrong hands', () => {
  it('still reaches what is its own, so that what follows means something', async () => {
    const reached = await Promise.all([
      asA('GET', '/apis/millrace.dev/v1/tasks?fieldSelector=spec.nodeName%3Da'),
      asA('GET', '/apis/millrace.dev/v1/tasks?watch=true&resourceVersion=1&fieldSelector=spec.nodeName%3Da'),
      asA('GET', '/api/v1/namespaces/shared/secrets/a-0'),
      asA('GET', '/api/v1/namespaces/shared/configmaps/a-0'),
      ...['vpses', 'vpssnapshots', 'ipclaims'].flatMap((plural) => [
        asA('GET', `/apis/millrace.dev/v1/${plural}?fieldSelector=spec.nodeName%3Da`),
        asA('GET', `/apis/millrace.dev/v1/namespaces/shared/${plural}/a-0`),
      ]),
      ...Object.entries({ vpses: 'Running', vpssnapshots: 'Creating' }).map(([plural, phase]) =>
        asA('PATCH', `/apis/millrace.dev/v1/namespaces/shared/${plural}/a-0/status`, { status: { phase } }, merge),
      ),
      asA('GET', '/apis/coordination.k8s.io/v1/namespaces/millrace-streams/leases'),
      asA('GET', '/api/v1/nodes/a'),
      asA('PATCH', '/api/v1/nodes/a/status', { status: { capacity: { cpu: '4' } } }, merge),
      asA('PATCH', '/apis/millrace.dev/v1/namespaces/shared/tasks/a-0/status', { status: { phase: 'Running' } }, merge),
      asA('PATCH', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/a', { spec: { leaseDurationSeconds: 40 } }, merge),
    ])
    expect(reached.map(({ code }) => code)).toEqual(reached.map(() => 200))
    expect(JSON.parse(reached[0]?.text ?? '').items).toHaveLength(perNode)
    expect(reached[2]?.text).toContain(Buffer.from(canary('a')).toString('base64'))
  })

  it.each([
    ['tasks', { gpus: [0] }],
    ['tasks', { attempt: 3 }],
    ['vpses', { sshPublicKey: 'ssh-ed25519 AAAA' }],
    ['vpses', { sshHostKey: '[gw]:2222 ssh-ed25519 AAAA' }],
    ['vpses', { sshCommand: 'ssh evil' }],
    ['vpses', { conditions: [{ type: 'KeyReady', status: 'True' }] }],
    ['vpses', null],
    ['vpssnapshots', { vpsUid: 'another' }],
    ['vpssnapshots', { image: 'another' }],
  ])('says nothing in the status of its own %s that others say: %j', async (plural, status) => {
    const path = `/apis/millrace.dev/v1/namespaces/shared/${plural}/a-0/status`
    const { metadata } = JSON.parse((await asA('GET', path)).text) as KubeObject
    const { code, text } = await asA('PATCH', path, { metadata: { resourceVersion: metadata.resourceVersion }, status }, merge)
    expect({ code, text }).toEqual({ code: 403, text: expect.stringMatching(/status\.\S+: Forbidden: others say this, not a node/) })
  })

  it('reaches nothing else: every verb on every object', async () => {
    const before = new Map(stored().map(({ key, revision }) => [JSON.stringify(key), revision]))
    const targets = foreign().flatMap(({ kind, object }) => attacks(kind, object))
    expect(targets.length).toBeGreaterThan(5000)
    const opened: string[] = []
    await inTurns(targets, async ([method, path, body, contentType]) => {
      const { code, text } = await asA(method, path, body, contentType)
      // The path or the method may not exist; whatever exists says 403, and no more.
      if (
        ![403, 404, 405].includes(code) ||
        (code === 404 && !/\/(status|binding|log|exec|approval|finalize)$/.test(path)) ||
        text.includes('canary-of') ||
        text.includes(Buffer.from('canary-of').toString('base64'))
      )
        opened.push(`${method} ${path}: ${code} ${text.slice(0, 200)}`)
    })
    expect(opened.slice(0, 10)).toEqual([])
    expect(new Map(stored().map(({ key, revision }) => [JSON.stringify(key), revision]))).toEqual(before)
  })

  it('sees and changes no collection, and makes nothing', async () => {
    const count = stored().length
    const opened: string[] = []
    const multi = (value: string) => `/apis/millrace.dev/v1/watch?resources=${encodeURIComponent(value)}`
    const collections = builtinKinds.flatMap((kind) => ['', 'shared', 'tenant', 'kube-system'].map((namespace) => pathOf(kind, namespace)))
    const requests: Parameters<typeof asA>[] = [
      ...collections.flatMap((path): Parameters<typeof asA>[] => [
        ['GET', path],
        ['GET', `${path}?watch=true`],
        ['GET', `${path}?fieldSelector=spec.nodeName%3Db`],
        ['GET', `${path}?fieldSelector=spec.nodeName%21%3Da`],
        ['GET', `${path}?fieldSelector=spec.nodeName%3Da,spec.nodeName%3Db`],
        ['GET', `${path}?labelSelector=canary`],
        ['DELETE', path],
      ]),
      ['GET', multi('v1/secrets')],
      ['GET', multi('millrace.dev/v1/tasks')],
      ['GET', multi('millrace.dev/v1/tasks;fieldSelector=spec.nodeName=b')],
      [
        'POST',
        '/apis/millrace.dev/v1/bindings',
        {
          apiVersion: 'millrace.dev/v1',
          kind: 'BindingList',
          resource: 'tasks',
          items: [{ metadata: { namespace: 'shared', name: 'unbound' }, target: { kind: 'Node', name: 'a' } }],
        },
      ],
      [
        'POST',
        '/apis/millrace.dev/v1/namespaces/shared/tasks',
        { metadata: { name: 'mine' }, spec: { command: ['true'], nodeName: 'a', envFrom: [{ secretRef: { name: 'b-0' } }] } },
      ],
      [
        'POST',
        '/apis/millrace.dev/v1/bindings',
        {
          apiVersion: 'millrace.dev/v1',
          kind: 'BindingList',
          resource: 'vpses',
          items: [{ metadata: { namespace: 'shared', name: 'unbound' }, target: { kind: 'Node', name: 'a' } }],
        },
      ],
      ['POST', '/apis/millrace.dev/v1/namespaces/shared/vpses', { metadata: { name: 'mine' }, spec: { image: 'debian', nodeName: 'a' } }],
      [
        'POST',
        '/apis/millrace.dev/v1/namespaces/shared/vpssnapshots',
        { metadata: { name: 'mine' }, spec: { vpsName: 'a-0', nodeName: 'a' } },
      ],
      ['POST', '/apis/millrace.dev/v1/namespaces/shared/ipclaims', { metadata: { name: 'mine' }, spec: { nodeName: 'a' } }],
      [
        'POST',
        '/apis/coordination.k8s.io/v1/namespaces/millrace-streams/leases',
        { metadata: { name: 'a', annotations: { 'millrace.dev/stream-server': 'https://evil.example' } }, spec: { holderIdentity: 'a' } },
      ],
      ['DELETE', '/apis/millrace.dev/v1/namespaces/shared/ipclaims/a-0'],
      ['POST', '/api/v1/namespaces/shared/secrets', { metadata: { name: 'mine' } }],
      ['POST', '/api/v1/namespaces', { metadata: { name: 'mine' } }],
      ['POST', '/api/v1/nodes', { metadata: { name: 'c' }, spec: {} }],
      ['POST', '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases', { metadata: { name: 'c' }, spec: {} }],
      [
        'POST',
        '/api/v1/namespaces/shared/events',
        { metadata: { name: 'e' }, involvedObject: { kind: 'Task', namespace: 'shared', name: 'b-0' } },
      ],
    ]
    await inTurns(requests, async ([method, path, body]) => {
      const { code, text } = await asA(method, path, body)
      const bound = path.endsWith('/bindings') && code === 200 && text.includes('"error"')
      if ((code < 400 && !bound) || text.includes('canary-of-b')) opened.push(`${method} ${path}: ${code} ${text.slice(0, 300)}`)
    })
    expect(opened.slice(0, 10)).toEqual([])
    expect(stored().length).toBe(count)
  })
})
