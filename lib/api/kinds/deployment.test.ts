import { describe, expect, it } from 'vitest'
import type { KubeObject } from '../define-kind.js'
import { createSchemaValidator } from '../validation/schema-validator.js'
import { shapeValue } from '../validation/shape-value.js'
import { Deployment } from './deployment.js'
import { ReplicaSet } from './replica-set.js'

const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image: 'nginx' }] } }
const selector = { matchLabels: { app: 'web' } }

function object(kind: typeof Deployment | typeof ReplicaSet, spec: object, name = 'web'): KubeObject {
  const made = structuredClone({ apiVersion: 'apps/v1', kind: kind.kind, metadata: { name }, spec: { selector, template, ...spec } })
  expect(shapeValue(kind.schema, made)).toEqual([])
  return made as unknown as KubeObject
}

const shapeOf = createSchemaValidator(Deployment.schema)
const deployment = (spec: object, name?: string) => object(Deployment, spec, name)
const refusals = (made: KubeObject, old?: KubeObject) =>
  [...shapeOf(made), ...(Deployment.validate?.(made, old) ?? [])].map(({ field, message }) => `${field}: ${message}`)
const rolling = (rollingUpdate: object) => ({ strategy: { rollingUpdate } })

describe('a Deployment', () => {
  it('has the defaults of Kubernetes', () => {
    expect(deployment({}).spec).toMatchObject({
      replicas: 1,
      minReadySeconds: 0,
      strategy: { type: 'RollingUpdate' },
      revisionHistoryLimit: 10,
      progressDeadlineSeconds: 600,
      template: { spec: { restartPolicy: 'Always', terminationGracePeriodSeconds: 30, containers: [{ resources: {} }] } },
    })
    expect(deployment(rolling({})).spec).toMatchObject(rolling({ maxSurge: '25%', maxUnavailable: '25%' }))
  })

  it.each<[object, string]>([
    [{ selector: {} }, 'spec.selector: Invalid value: {}: empty selector is invalid for deployment'],
    [
      { selector: { matchLabels: { app: 'other' } } },
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
    [
      { selector: { matchExpressions: [{ key: 'app', operator: 'In' }] } },
      'spec.selector.matchExpressions[0].values: Required value: must be specified when the operator is In',
    ],
    [{ replicas: -1 }, 'spec.replicas: Invalid value: -1: '],
    [{ replicas: 2 ** 31 }, 'spec.replicas: Invalid value: 2147483648: '],
    [rolling({ maxSurge: 0, maxUnavailable: '0%' }), '.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0'],
    [rolling({ maxUnavailable: '101%' }), '.maxUnavailable: Invalid value: "101%": must not be greater than 100%'],
    [rolling({ maxSurge: -1 }), '.maxSurge: Invalid value: -1: must be greater than or equal to 0'],
    [
      rolling({ maxSurge: 'many' }),
      '.maxSurge: Invalid value: "many": a valid percent string must be a numeric string followed by an ending \'%\'',
    ],
    [{ strategy: { type: 'Recreate', rollingUpdate: {} } }, "Forbidden: may not be specified when strategy `type` is 'Recreate'"],
    [{ strategy: { type: 'BlueGreen' } }, 'spec.strategy.type: Unsupported value: "BlueGreen"'],
    [
      { progressDeadlineSeconds: 5, minReadySeconds: 5 },
      'spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds',
    ],
  ])('with %j is refused: %s', (spec, expected) => {
    const found = refusals(deployment(spec))
    expect(found.filter((text) => text.includes(expected))).toHaveLength(1)
  })

  it.each<[object]>([
    [rolling({ maxSurge: '200%', maxUnavailable: 0 })],
    [rolling({ maxSurge: 0, maxUnavailable: '100%' })],
    [{ strategy: { type: 'Recreate' }, paused: true, replicas: 0 }],
    [{ selector: { matchExpressions: [{ key: 'app', operator: 'Exists' }] } }],
  ])('with %j is taken', (spec) => expect(refusals(deployment(spec))).toEqual([]))

  it('leaves its ReplicaSets room for a name', () => {
    expect(refusals(deployment({}, 'a'.repeat(52)))).toEqual([])
    expect(refusals(deployment({}, 'a'.repeat(53)))).toEqual([expect.stringContaining('must be no more than 52 characters')])
  })

  it('keeps its selector, and changes everything else', () => {
    const other = {
      selector: { matchLabels: { app: 'web', tier: 'a' } },
      template: { ...template, metadata: { labels: { app: 'web', tier: 'a' } } },
    }
    expect(refusals(deployment(other), deployment({}))).toEqual([expect.stringMatching(/^spec\.selector: .*field is immutable$/)])
    expect(refusals(deployment({ replicas: 3 }), deployment({}))).toEqual([])
  })

  it('is not judged again when its status alone changes', () => {
    const old = deployment({ selector: {} })
    expect(Deployment.validate?.({ ...old, status: {} }, old)).toEqual([])
  })
})

describe('a ReplicaSet', () => {
  it('follows the rules of selector and template', () => {
    const causes = ReplicaSet.validate?.(object(ReplicaSet, { selector: {}, template: { spec: { containers: [] } } }), undefined)
    expect(causes?.map(({ field }) => field)).toEqual(['spec.selector', 'spec.template.spec.containers'])
    expect(causes?.[0]?.message).toContain('empty selector is invalid for replicaset')
  })
})
