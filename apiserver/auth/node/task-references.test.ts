import { expect, it } from 'vitest'
import type { Kind } from '../../../lib/api/define-kind.js'
import { Task, TaskSpecSchema } from '../../../lib/api/kinds/task.js'
import { aStored } from '../fixtures/stored.js'
import { createReferenceIndex, referencesOf } from './task-references.js'

const spec: Parameters<typeof referencesOf>[0] = {
  env: [
    { name: 'A', value: 'plain' },
    { name: 'B', valueFrom: { secretKeyRef: { name: 'env-secret', key: 'k', optional: false } } },
    { name: 'C', valueFrom: { configMapKeyRef: { name: 'env-map', key: 'k', optional: false } } },
  ],
  envFrom: [{ secretRef: { name: 'from-secret', optional: false } }, { configMapRef: { name: 'from-map', optional: false } }],
  volumes: [
    { name: 'v1', secret: { secretName: 'volume-secret', defaultMode: 0o644, optional: false } },
    { name: 'v2', configMap: { name: 'volume-map', defaultMode: 0o644, optional: false } },
    { name: 'v3', emptyDir: { medium: '' } },
  ],
}

it('finds every Secret and ConfigMap that a Task names', () => {
  const { secrets, configMaps } = referencesOf(spec)
  expect([...secrets].sort()).toEqual(['env-secret', 'from-secret', 'volume-secret'])
  expect([...configMaps].sort()).toEqual(['env-map', 'from-map', 'volume-map'])
  expect(referencesOf({})).toEqual({ secrets: new Set(), configMaps: new Set() })
})

it('knows every field of a Task that names one: a new field must be added to referencesOf', () => {
  const found: string[] = []
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== 'object' || value === null) return
    for (const [key, inner] of Object.entries(value)) {
      if (/^(secret|configMap)/i.test(key)) found.push(`${path}${key}`)
      walk(inner, key === 'properties' || key === 'items' || key === 'additionalProperties' ? path : `${path}${key}.`)
    }
  }
  walk(TaskSpecSchema.json, '')
  expect(found.sort()).toEqual([
    'env.valueFrom.configMapKeyRef',
    'env.valueFrom.secretKeyRef',
    'envFrom.configMapRef',
    'envFrom.secretRef',
    'volumes.configMap',
    'volumes.secret',
    'volumes.secret.secretName',
  ])
})

it('a name counts in the namespace of the Task, for the kind that it names, and nowhere else', () => {
  const task = aStored(Task as unknown as Kind, { metadata: { namespace: 'default', name: 't' }, spec })
  const { names } = createReferenceIndex()
  const key = (resource: string, name: string, namespace = 'default', group = '') => ({ group, resource, namespace, name })
  expect(names(task, key('secrets', 'env-secret'))).toBe(true)
  expect(names(task, key('configmaps', 'env-map'))).toBe(true)
  expect(names(task, key('secrets', 'env-map'))).toBe(false)
  expect(names(task, key('configmaps', 'env-secret'))).toBe(false)
  expect(names(task, key('secrets', 'env-secret', 'tenant'))).toBe(false)
  expect(names(task, key('secrets', 'env-secret', 'default', 'example.com'))).toBe(false)
  expect(names(task, key('pods', 'env-secret'))).toBe(false)
})
