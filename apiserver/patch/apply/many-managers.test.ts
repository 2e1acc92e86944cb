import { expect, it } from 'vitest'
import { ConfigMap } from '../../../lib/api/kinds/config-map.js'
import { isEmptySet } from '../../../lib/api/managed-fields/field-set.js'
import type { ManagedFieldsEntry } from '../../../lib/api/managed-fields/managed-entry.js'
import { applyConfiguration } from './apply-configuration.js'
import { arrangeEntries } from './arrange-entries.js'
import { fieldConflictError } from './field-conflict-error.js'

const count = 20_000
/** Joined one after the other, these would take minutes. */
const deadlineMs = 20_000

const entries = (operation: ManagedFieldsEntry['operation']): ManagedFieldsEntry[] =>
  Array.from({ length: count }, (_, index) => ({
    manager: `m${index}`,
    operation,
    apiVersion: 'v1',
    fieldsV1: { 'f:data': { [`f:k${index}`]: {} } },
  }))

it(
  'thousands of updaters become ten, whose fields are those of all',
  () => {
    const kept = arrangeEntries(entries('Update'))
    expect(kept).toHaveLength(10)
    expect(kept.flatMap(({ fieldsV1 }) => Object.keys(fieldsV1['f:data'] ?? {}))).toHaveLength(count)
  },
  deadlineMs,
)

it(
  'what a manager drops is kept by any of thousands of others',
  () => {
    const data = Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'x']))
    const first: ManagedFieldsEntry = {
      manager: 'first',
      operation: 'Apply',
      apiVersion: 'v1',
      fieldsV1: { 'f:data': { 'f:k7': {}, 'f:own': {} } },
    }
    const { object } = applyConfiguration(ConfigMap.schema, {
      live: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } as never, data: { ...data, own: 'x' } },
      configuration: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } as never },
      entries: [first, ...entries('Apply')],
      applier: first,
    })
    expect(object.data).toEqual(data)
  },
  deadlineMs,
)

it(
  'whoever takes what thousands have reads how many they are, and the names of the first thousand',
  () => {
    const data = (value: string) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]))
    const aConfigMap = (value: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } as never, data: data(value) })
    const { conflicts, others } = applyConfiguration(ConfigMap.schema, {
      live: aConfigMap('x'),
      configuration: aConfigMap('y'),
      entries: entries('Apply'),
      applier: { manager: 'late', operation: 'Apply', apiVersion: 'v1' },
    })
    expect([conflicts.length, others.filter(({ fieldsV1 }) => !isEmptySet(fieldsV1)).length]).toEqual([count, 0])
    const { message, details } = fieldConflictError({ group: '', resource: 'configmaps', name: 'a' }, conflicts)
    expect(details?.causes).toHaveLength(1000)
    expect(message).toMatch(/^Apply failed with 20000 conflicts: conflicts with "m0":\n- \.data\.k0\n[\s\S]*\nand 19000 more$/)
  },
  deadlineMs,
)
