import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ApiError } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import { bodyOf, kindOf, openRegistry, targetOf } from './fixtures/open-registry.js'
import { readQuestion } from './read-question.js'
import type { PatchType } from './registry.js'

/** Values that follow a schema here and break it there. */
function oddValue(schema: JsonSchema | undefined, depth: number): fc.Arbitrary<unknown> {
  const anything = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom('', 'a', 'default', 'n1', 'x.dev/a', 2n ** 62n, 2n ** 70n, -1, 0),
  )
  const near = depth > 3 ? anything : nearValue(schema, depth)
  return fc.oneof({ weight: 4, arbitrary: near }, { weight: 1, arbitrary: anything })
}

function nearValue(schema: JsonSchema | undefined, depth: number): fc.Arbitrary<unknown> {
  if (schema?.enum) return fc.constantFrom(...schema.enum)
  if (schema?.items) return fc.array(oddValue(schema.items, depth + 1), { maxLength: 3 })
  if (schema?.properties) {
    const fields = Object.entries(schema.properties).map(([name, field]) => [name, oddValue(field, depth + 1)] as const)
    return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] })
  }
  if (schema?.additionalProperties) return fc.dictionary(fc.constantFrom('a', 'x.dev/b', 'A b'), fc.string(), { maxKeys: 2 })
  if (schema?.type === 'integer') return fc.integer({ min: -2, max: 100 })
  if (schema?.type === 'boolean') return fc.boolean()
  return fc.constantFrom('a', 'x', '1Gi', 'MQ==', '2026-01-01T00:00:00Z', 'x.dev/a')
}

const subresources = ['', 'status', 'approval', 'finalize'] as const
const merges: PatchType[] = ['application/merge-patch+json', 'application/strategic-merge-patch+json']

const isQuestion = ({ verbs }: Kind) => !verbs.includes('get')

describe('whatever a client sends', () => {
  it.each(builtinKinds.filter(isQuestion).map((kind) => [kind.kind, kind] as const))('as a %s is read or refused', async (_name, kind) => {
    const { admin } = await openRegistry()
    const outcomes = new Set<string>()
    fc.assert(
      fc.property(oddObject(kind), (object) => {
        try {
          readQuestion(kind, bodyOf(object), { ...admin, fieldValidation: 'Ignore' })
          outcomes.add('read')
        } catch (error) {
          if (!(error instanceof ApiError) || error.code >= 500) throw error
          outcomes.add(String(error.code))
        }
      }),
    )
    expect([...outcomes]).toEqual(expect.arrayContaining(['422']))
  })

  it.each(builtinKinds.filter((kind) => !isQuestion(kind) && !kind.viewOf && !kind.measured).map((kind) => [kind.kind, kind] as const))(
    'as a %s is stored or refused, never a failure of the server',
    async (_name, kind) => {
      const { registry, as, admin } = await openRegistry()
      await registry.create(kindOf('Node'), '', bodyOf({ metadata: { name: 'n' }, spec: { podCIDR: '10.0.0.0/16' } }), admin)
      const context = as('system:controller-manager', { fieldValidation: 'Ignore' })
      const namespace = kind.scope === 'Namespaced' ? 'default' : ''
      if (kind.kind === 'VpsSnapshot') {
        // A snapshot is of a disk that is there.
        const vps = { metadata: { name: 'v' }, spec: { image: 'x', nodeName: 'n1' } }
        await registry.create(kindOf('Vps'), namespace, bodyOf(vps), context)
        await registry.patch(targetOf('Vps', 'v', 'status'), 'application/merge-patch+json', bodyOf({ status: { starts: 1 } }), context)
      }
      const outcomes = new Set<string>()
      const settle = async (write: () => Promise<unknown>) => {
        try {
          await write()
          outcomes.add('stored')
        } catch (error) {
          if (!(error instanceof ApiError) || error.code >= 500) throw error
          outcomes.add(String(error.code))
        }
      }
      await fc.assert(
        fc.asyncProperty(oddObject(kind), oddObject(kind), fc.constantFrom(...subresources), async (object, other, subresource) => {
          const target = { kind, namespace, name: 'a', subresource }
          await settle(() => registry.create(kind, namespace, bodyOf(object), context))
          await settle(() => registry.update(target, bodyOf(other), context))
          await settle(() => registry.apply(target, bodyOf(other), { force: true, assertMayCreate: () => {} }, context))
          for (const type of merges) await settle(() => registry.patch(target, type, bodyOf(other), context))
          const operations = [
            { op: 'replace', path: '/metadata', value: other },
            { op: 'add', path: '/spec', value: other },
          ]
          await settle(() => registry.patch(target, 'application/json-patch+json', bodyOf(operations), context))
          await settle(() => registry.delete(target, { propagationPolicy: 'Background' }, context))
        }),
        { numRuns: 80 },
      )
      // The name of a definition says what it defines, and this one is just "a".
      expect([...outcomes]).toEqual(expect.arrayContaining(kind.kind === 'CustomResourceDefinition' ? ['422'] : ['stored', '422']))
      expect(Object.keys(Object.prototype)).toEqual([])
    },
  )
})

/** Near enough to the kind that some are stored. */
function oddObject(kind: Kind): fc.Arbitrary<unknown> {
  const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'a', image: 'x' }] } }
  const replicated = { spec: { selector: { matchLabels: { a: 'b' } }, template } }
  const sound: Record<string, unknown> = {
    IPClaim: { spec: { nodeName: 'n' } },
    Task: { spec: { command: ['x'] } },
    Vps: { spec: { image: 'x' } },
    VpsSnapshot: { spec: { vpsName: 'v' } },
    Deployment: replicated,
    ReplicaSet: replicated,
    PodDisruptionBudget: { spec: { minAvailable: 1 } },
    CronTask: { spec: { schedule: '0 0 * * *', taskTemplate: { spec: { command: ['x'] } } } },
    Event: { involvedObject: { namespace: 'default' } },
    CertificateSigningRequest: { spec: { request: 'MQ==', signerName: 'x' } },
  }
  const base = { metadata: { name: 'a' }, ...(sound[kind.kind] as object | undefined) }
  const odd = oddValue(kind.schema, 0).map((value) => (isObject(value) ? addressed(value as Record<string, unknown>) : value))
  return fc.oneof({ weight: 1, arbitrary: fc.constant(base) }, { weight: 4, arbitrary: odd })
}

/** The same odd object, under the name and kind of the URL. */
function addressed({ apiVersion: _apiVersion, kind: _kind, metadata, ...rest }: Record<string, unknown>): object {
  const { labels, annotations, finalizers, ownerReferences, generation } = (isObject(metadata) ? metadata : {}) as Record<string, unknown>
  return { ...rest, metadata: { name: 'a', labels, annotations, finalizers, ownerReferences, generation } }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)

describe('an object that has no text where a text belongs', () => {
  /** As JSON can say it: what String() and templates fail on. */
  const textless = { toString: 1, valueOf: 1 }
  const bodies: [string, object][] = [
    ['apiVersion', { apiVersion: textless }],
    ['kind', { kind: textless }],
    ['metadata.name', { metadata: { name: textless } }],
    ['metadata.name in a list', { metadata: { name: [textless] } }],
    ['metadata.uid in a list', { metadata: { name: 'a', uid: [textless] } }],
    ['metadata.namespace in a list', { metadata: { name: 'a', namespace: [textless] } }],
    ['metadata.generateName in a list', { metadata: { generateName: [textless] } }],
    ['metadata.generateName', { metadata: { name: 5, generateName: textless } }],
    ['metadata.generateName alone', { metadata: { generateName: textless } }],
    ['metadata.namespace', { metadata: { name: 'a', namespace: textless } }],
    ['metadata.uid', { metadata: { name: 'a', uid: textless } }],
    ['metadata.resourceVersion', { metadata: { name: 'a', resourceVersion: textless } }],
    ['a directive', { data: { $patch: textless } }],
  ]

  it.each(bodies)('is refused, whatever the verb: %s', async (_field, body) => {
    const { registry, admin } = await openRegistry()
    const target = targetOf('ConfigMap', 'a')
    await registry.create(target.kind, 'default', bodyOf({ metadata: { name: 'a' }, data: { x: 'y' } }), admin)
    const refused = { code: expect.toSatisfy((code: number) => code >= 400 && code < 500) }
    await expect(registry.create(target.kind, 'default', bodyOf(body), admin)).rejects.toMatchObject(refused)
    await expect(registry.update(target, bodyOf(body), admin)).rejects.toMatchObject(refused)
    for (const type of merges) await expect(registry.patch(target, type, bodyOf(body), admin)).rejects.toMatchObject(refused)
  })
})

it('no object grows, patch by patch, beyond what one body may hold', async () => {
  const { registry, admin } = await openRegistry()
  const target = targetOf('ConfigMap', 'a')
  const keys = (prefix: string) => Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`${prefix}${index}`, '']))
  await registry.create(target.kind, 'default', bodyOf({ metadata: { name: 'a' }, data: keys('a') }), admin)
  await expect(registry.patch(target, 'application/merge-patch+json', bodyOf({ data: keys('b') }), admin)).rejects.toMatchObject({
    code: 413,
  })
})
