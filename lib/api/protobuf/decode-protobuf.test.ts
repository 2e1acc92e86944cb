import { describe, expect, it } from 'vitest'
import { ApiError } from '../api-error.js'
import { decodeProtobuf } from './decode-protobuf.js'

const namespaceFoo = Buffer.from(
  '6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a0032003800420012001a020a001a002200',
  'hex',
)
const configMapC9 = Buffer.from(
  '6b3873000a0f0a0276311209436f6e6669674d617012230a190a02633912001a0764656661756c7422002a0032003800420012060a01611201621a002200',
  'hex',
)

/** What kubectl 1.33 sends for `create deployment web --image=nginx --replicas=2 --port=80`. */
const deploymentWeb = Buffer.from(
  '6b3873000a150a07617070732f7631120a4465706c6f796d656e7412b8010a1f0a0377656212001a0022002a003200380042005a0a0a0361707012037765621286010802120c0a0a0a0361707012037765621a6c0a1c0a0012001a0022002a003200380042005a0a0a036170701203776562124c122e0a056e67696e7812056e67696e782a00320a0a001000185022002a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201008a01009a0100c2010022020a00280038001a0c0800100018002000280038001a002200',
  'hex',
)

/** Builds messages by hand: `field(1, 'x')` is a length-delimited field, `field(2, 7)` a number. */
function field(number: number, value: string | Buffer | number): Buffer {
  if (typeof value === 'number') return Buffer.concat([varint(number << 3), varint(value)])
  const bytes = Buffer.from(value as string)
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes])
}
function varint(value: number): Buffer {
  const out: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  do {
    out.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0))
    rest >>= 7n
  } while (rest > 0n)
  return Buffer.from(out)
}
const body = (apiVersion: string, kind: string, ...raw: Buffer[]) =>
  Buffer.concat([Buffer.from('k8s\0'), field(1, Buffer.concat([field(1, apiVersion), field(2, kind)])), field(2, Buffer.concat(raw))])

const reasonOf = (bytes: Buffer) => {
  try {
    decodeProtobuf(bytes)
    return 'decoded'
  } catch (error) {
    return error instanceof ApiError ? error.reason : String(error)
  }
}

describe('decodeProtobuf', () => {
  it('reads a Namespace as kubectl sends it, without its empty fields', () => {
    expect(decodeProtobuf(namespaceFoo)).toEqual({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } })
  })

  it('reads a ConfigMap as kubectl sends it', () => {
    expect(decodeProtobuf(configMapC9)).toEqual({
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'c9', namespace: 'default' },
      data: { a: 'b' },
    })
  })

  it('reads values of Secrets as base64', () => {
    const entry = field(2, Buffer.concat([field(1, 'k'), field(2, Buffer.from([0, 255]))]))
    expect(decodeProtobuf(body('v1', 'Secret', entry, field(3, 'Opaque')))).toMatchObject({ data: { k: 'AP8=' }, type: 'Opaque' })
  })

  it('reads a PodDisruptionBudget: numbers, percentages, an empty selector, times', () => {
    const spec = Buffer.concat([
      field(1, Buffer.concat([field(1, 0), field(2, 0)])),
      field(2, ''),
      field(3, Buffer.concat([field(1, 1), field(3, '25%')])),
    ])
    const entry = Buffer.concat([field(1, 'a'), field(2, field(1, 1_767_225_600))])
    expect(decodeProtobuf(body('policy/v1', 'PodDisruptionBudget', field(2, spec), field(3, field(2, entry))))).toMatchObject({
      spec: { minAvailable: 0, selector: {}, maxUnavailable: '25%' },
      status: { disruptedPods: { a: '2026-01-01T00:00:00Z' } },
    })
  })

  it('reads which manager set which fields as JSON says it', () => {
    const entry = field(17, Buffer.concat([field(1, 'kubectl'), field(7, field(1, '{"f:rules":{}}'))]))
    expect(decodeProtobuf(body('rbac.authorization.k8s.io/v1', 'Role', field(1, entry)))).toMatchObject({
      metadata: { managedFields: [{ manager: 'kubectl', fieldsV1: { 'f:rules': {} } }] },
    })
  })

  it('reads the rules of a Role, with the core group, which has an empty name', () => {
    const rule = Buffer.concat([field(1, 'get'), field(1, 'list'), field(2, ''), field(3, 'secrets')])
    expect(decodeProtobuf(body('rbac.authorization.k8s.io/v1', 'Role', field(2, rule)))).toMatchObject({
      rules: [{ verbs: ['get', 'list'], apiGroups: [''], resources: ['secrets'] }],
    })
  })

  it('reads an Eviction with its options', () => {
    const options = field(2, Buffer.concat([field(2, field(1, 'u')), field(5, 'All')]))
    expect(decodeProtobuf(body('policy/v1', 'Eviction', field(1, field(1, 'a')), options))).toEqual({
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: 'a' },
      deleteOptions: { preconditions: { uid: 'u' }, dryRun: ['All'] },
    })
  })

  it('keeps the microseconds of a Lease and the zeros that Go would keep', () => {
    const renewTime = field(4, Buffer.concat([field(1, 1_700_000_000), field(2, 123_456_000)]))
    const spec = field(2, Buffer.concat([field(1, 'me'), field(2, 15), renewTime, field(5, 0)]))
    expect(decodeProtobuf(body('coordination.k8s.io/v1', 'Lease', spec))).toMatchObject({
      spec: { holderIdentity: 'me', leaseDurationSeconds: 15, renewTime: '2023-11-14T22:13:20.123456Z', leaseTransitions: 0 },
    })
  })

  it('reads DeleteOptions of any group', () => {
    const options = [field(1, 0), field(2, field(1, 'uid-1')), field(4, 'Foreground'), field(5, 'All')]
    expect(decodeProtobuf(body('policy/v1', 'DeleteOptions', ...options))).toEqual({
      apiVersion: 'policy/v1',
      kind: 'DeleteOptions',
      gracePeriodSeconds: 0,
      preconditions: { uid: 'uid-1' },
      propagationPolicy: 'Foreground',
      dryRun: ['All'],
    })
  })

  it('reads a negative number and skips fields that it does not know', () => {
    const unknown = Buffer.concat([field(99, 'later'), field(98, 5), varint((97 << 3) | 1), Buffer.alloc(8, 1)])
    expect(decodeProtobuf(body('v1', 'DeleteOptions', unknown, field(1, -1)))).toMatchObject({ gracePeriodSeconds: -1 })
  })

  it('reads a Deployment as kubectl sends it', () => {
    expect(decodeProtobuf(deploymentWeb)).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'web', labels: { app: 'web' } },
      spec: {
        replicas: 2,
        selector: { matchLabels: { app: 'web' } },
        template: {
          metadata: { labels: { app: 'web' } },
          spec: { containers: [{ name: 'nginx', image: 'nginx', ports: [{ containerPort: 80 }] }] },
        },
      },
    })
  })

  it('reads everything of a template that a Task can do', () => {
    const quantity = (name: string, value: string) => Buffer.concat([field(1, name), field(2, field(1, value))])
    const named = field(1, field(1, 'settings'))
    const container = Buffer.concat([
      field(1, 'web'),
      field(7, Buffer.concat([field(1, 'A'), field(3, field(4, Buffer.concat([named, field(2, 'key')])))])),
      field(8, Buffer.concat([field(1, quantity('cpu', '1')), field(2, quantity('memory', '1Gi'))])),
      field(11, Buffer.concat([field(1, field(2, Buffer.concat([field(1, '/x'), field(2, field(2, 80))]))), field(4, 5)])),
      field(15, Buffer.concat([field(2, 0), field(4, 0)])),
      field(22, field(1, field(3, field(1, Buffer.concat([field(1, 1), field(3, 'http')]))))),
    ])
    const volumes = [field(2, ''), field(19, named)].map((source) => field(1, Buffer.concat([field(1, 'v'), field(2, source)])))
    const spec = Buffer.concat([...volumes, field(2, container), field(11, 1)])
    const strategy = field(4, field(2, Buffer.concat([field(1, ''), field(2, Buffer.concat([field(1, 1), field(3, '50%')]))])))
    expect(decodeProtobuf(body('apps/v1', 'Deployment', field(2, Buffer.concat([field(3, field(2, spec)), strategy]))))).toMatchObject({
      spec: {
        strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: '50%' } },
        template: {
          spec: {
            volumes: [
              { name: 'v', emptyDir: {} },
              { name: 'v', configMap: { name: 'settings' } },
            ],
            hostNetwork: true,
            containers: [
              {
                env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'settings', key: 'key' } } }],
                resources: { limits: { cpu: '1' }, requests: { memory: '1Gi' } },
                readinessProbe: { httpGet: { path: '/x', port: 80 }, periodSeconds: 5 },
                startupProbe: { tcpSocket: { port: 'http' } },
                securityContext: { privileged: false, runAsUser: 0 },
              },
            ],
          },
        },
      },
    })
  })

  it.each([
    ['init containers', field(20, field(1, 'first'))],
    ['a claimed volume', field(1, Buffer.concat([field(1, 'v'), field(2, field(10, field(1, 'claim')))]))],
    ['a field of the future', field(99, 1)],
  ])('asks for JSON where a template has %s, and passes over what says nothing', (_what, spec) => {
    const ofSpec = (bytes: Buffer) => body('apps/v1', 'ReplicaSet', field(2, field(3, field(2, bytes))))
    expect(reasonOf(ofSpec(spec))).toBe('UnsupportedMediaType')
    expect(reasonOf(ofSpec(Buffer.concat([field(20, ''), field(99, 0)])))).toBe('decoded')
  })

  it.each([
    ['a kind that is only taken as JSON', body('apps/v1', 'StatefulSet'), 'UnsupportedMediaType'],
    ['bytes without the magic', Buffer.from('{}'), 'BadRequest'],
    ['an envelope that is cut short', namespaceFoo.subarray(0, 20), 'BadRequest'],
    ['a message that is cut short', body('v1', 'Namespace', field(1, 'x').subarray(0, 2)), 'BadRequest'],
    ['text that is not UTF-8', body('v1', 'Namespace', field(1, field(1, Buffer.from([0xff, 0xfe])))), 'BadRequest'],
    ['a field of the wrong type', body('v1', 'Namespace', field(1, 7)), 'BadRequest'],
    ['a key that would reach the prototype', body('v1', 'ConfigMap', field(2, field(1, '__proto__'))), 'BadRequest'],
    ['a number that never ends', Buffer.concat([Buffer.from('k8s\0'), Buffer.alloc(40, 0xff)]), 'BadRequest'],
    [
      'a length beyond everything',
      Buffer.concat([Buffer.from('k8s\0'), Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])]),
      'BadRequest',
    ],
  ])('refuses %s', (_what, bytes, reason) => {
    expect(reasonOf(bytes)).toBe(reason)
  })

  it.each([
    ['empty messages', field(1, Buffer.concat(Array(200_000).fill(field(13, ''))))],
    ['entries', Buffer.concat(Array(200_000).fill(field(2, field(1, 'k'))))],
    ['fields of no meaning', Buffer.concat(Array(200_000).fill(field(99, '')))],
  ])('refuses very many values: %s', (_what, raw) => {
    expect(reasonOf(body('v1', 'ConfigMap', raw))).toBe('RequestEntityTooLarge')
  })

  it('never fails otherwise than by an ApiError, whatever byte is changed', () => {
    for (let at = 0; at < configMapC9.length; at += 1)
      for (const value of [0x00, 0x7f, 0x80, 0xff]) {
        const broken = Buffer.from(configMapC9)
        broken[at] = value
        expect(['decoded', 'BadRequest', 'UnsupportedMediaType']).toContain(reasonOf(broken))
      }
  })
})
