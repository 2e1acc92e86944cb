import { describe, expect, it } from 'vitest'
import { compileJsonPath } from '../json-path.js'
import type { JsonSchema } from '../schema/json-schema.js'
import { builtinKinds } from './index.js'
import { validateTask } from './task-validation.js'

function* fieldsOf(schema: JsonSchema, path: string): Generator<{ path: string; schema: JsonSchema }> {
  for (const [name, field] of Object.entries(schema.properties ?? {})) {
    yield { path: `${path}.${name}`, schema: field }
    yield* fieldsOf(field, `${path}.${name}`)
  }
  if (schema.items) yield* fieldsOf(schema.items, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') yield* fieldsOf(schema.additionalProperties, `${path}.*`)
}

describe.each(builtinKinds.map((kind) => [kind.kind, kind] as const))('%s', (_name, kind) => {
  const fields = [...fieldsOf(kind.schema, kind.kind)]

  it('describes every field', () => {
    const without = fields.filter(({ schema }) => !schema.description)
    expect(without.map(({ path }) => path)).toEqual([])
  })

  it('has a structural schema: a type everywhere, keys for list maps', () => {
    const wrong = fields.filter(({ schema }) => {
      if (schema.type === undefined && schema['x-kubernetes-int-or-string'] !== true) return true
      return (
        schema['x-kubernetes-list-type'] === 'map' && !schema['x-kubernetes-list-map-keys']?.every((key) => schema.items?.properties?.[key])
      )
    })
    expect(wrong.map(({ path }) => path)).toEqual([])
  })

  it('has columns, indexed and selectable fields that can be read', () => {
    for (const column of kind.columns) expect(() => compileJsonPath(column.jsonPath)).not.toThrow()
    const known = new Set(fields.map(({ path }) => path.slice(kind.kind.length + 1)))
    expect([...kind.indexed, ...kind.selectable].filter((path) => path !== 'source' && !known.has(path))).toEqual([])
  })
})

describe('a Task', () => {
  const aTask = (spec: object) => ({ apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: {} as never, spec })
  const fieldsRefused = (spec: object, old?: object) =>
    validateTask(aTask(spec), old ? aTask(old) : undefined).map((cause) => `${cause.reason} ${cause.field}`)

  it.each([
    [{ command: ['true'] }, []],
    [{ image: 'busybox' }, []],
    [{}, ['FieldValueRequired spec.command']],
    [{ backend: 'qemu', image: 'x', command: ['true'] }, []],
    [{ backend: 'qemu', image: 'x', args: ['true'], resources: { limits: { memory: '256Mi', cpu: '2' } } }, []],
    [{ backend: 'qemu' }, ['FieldValueRequired spec.image', 'FieldValueRequired spec.command']],
    [{ backend: 'qemu', image: 'registry/x:1', command: ['true'] }, ['FieldValueInvalid spec.image']],
    [{ backend: 'qemu', image: 'x', command: ['true'], privileged: true }, ['FieldValueNotSupported spec.privileged']],
    [{ backend: 'qemu', image: 'x', command: ['true'], imagePullPolicy: 'Always' }, ['FieldValueNotSupported spec.imagePullPolicy']],
    [{ backend: 'qemu', image: 'x', command: ['true'], volumes: [{ name: 'a', emptyDir: {} }] }, ['FieldValueNotSupported spec.volumes']],
    [{ backend: 'qemu', image: 'x', command: ['true'], workingDir: 'here' }, ['FieldValueInvalid spec.workingDir']],
    [
      { backend: 'qemu', image: 'x', command: ['true'], resources: { limits: { memory: '64Mi', 'millrace.dev/gpu': '1' } } },
      ['FieldValueInvalid spec.resources.limits.memory', 'FieldValueNotSupported spec.resources.limits'],
    ],
    [{ backend: 'docker' }, ['FieldValueRequired spec.image']],
    [{ backend: 'process', image: 'x', command: ['a'] }, ['FieldValueNotSupported spec.image']],
    [
      { command: ['a'], resources: { requests: { mem: '1Gi', 'example.com/fpga': 1 }, limits: { pods: 1, 'ephemeral-storage': 1 } } },
      ['FieldValueNotSupported spec.resources.requests', 'FieldValueNotSupported spec.resources.limits'],
    ],
    [{ command: ['a'], privileged: true }, ['FieldValueNotSupported spec.privileged']],
    [{ command: ['a'], env: [{ name: '1x', value: '' }] }, ['FieldValueInvalid spec.env[0].name']],
    [{ command: ['a'], env: [{ name: 'x', valueFrom: {} }] }, ['FieldValueRequired spec.env[0].valueFrom']],
    [{ command: ['a'], volumes: [{ name: 'v', hostPath: { path: '/a/../b' } }] }, ['FieldValueInvalid spec.volumes[0].hostPath.path']],
    [{ command: ['a'], volumeMounts: [{ name: 'v' }] }, ['FieldValueInvalid spec.volumeMounts[0].name']],
    [
      { command: ['a'], volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath: '/x' }] },
      ['FieldValueNotSupported spec.volumeMounts[0].mountPath'],
    ],
    [
      { command: ['a'], volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', readOnly: true }] },
      ['FieldValueNotSupported spec.volumeMounts[0].readOnly'],
    ],
    [
      {
        command: ['a'],
        volumes: [{ name: 'v', secret: { secretName: 's' } }],
        volumeMounts: [{ name: 'v', readOnly: true }, { name: 'v' }],
      },
      ['FieldValueNotSupported spec.volumeMounts[1].name'],
    ],
    [
      { image: 'x', volumes: [{ name: 'v', emptyDir: { sizeLimit: '1Mi' } }] },
      ['FieldValueNotSupported spec.volumes[0].emptyDir.sizeLimit'],
    ],
    [
      { image: 'x', volumes: [{ name: 'v', emptyDir: {} }], volumeMounts: [{ name: 'v', mountPath: 'x' }] },
      ['FieldValueInvalid spec.volumeMounts[0].mountPath'],
    ],
    [{ command: ['a'], livenessProbe: { successThreshold: 1 } }, ['FieldValueRequired spec.livenessProbe']],
    [
      { command: ['a'], livenessProbe: { tcp: { port: 1 }, exec: { command: ['a'] }, successThreshold: 1 } },
      ['FieldValueForbidden spec.livenessProbe.tcp'],
    ],
  ])('%j is refused at %j', (spec, expected) => expect(fieldsRefused(spec)).toEqual(expected))

  it('may be suspended but not be given another command', () => {
    expect(fieldsRefused({ command: ['a'], suspend: true }, { command: ['a'], suspend: false })).toEqual([])
    expect(fieldsRefused({ command: ['b'] }, { command: ['a'] })).toEqual(['FieldValueForbidden spec.command'])
  })
})
