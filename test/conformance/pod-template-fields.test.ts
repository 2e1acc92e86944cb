/**
 * Every field that a Pod template can have in Kubernetes is converted, or known and harmless, or refused:
 * none is dropped. The fields are those of Kubernetes' own client.
 */
import * as k8s from '@kubernetes/client-node'
import { describe, expect, it } from 'vitest'
import { cloneValue } from '../../lib/api/json/clone-value.js'
import { foreignFields } from '../../lib/api/pod-template/foreign-field.js'
import { type PodTemplate, PodTemplateSchema } from '../../lib/api/pod-template/pod-template.js'
import { taskFromTemplate } from '../../lib/api/pod-template/task-from-template.js'
import { validatePodTemplate } from '../../lib/api/pod-template/validate-pod-template.js'
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import { shapeValue } from '../../lib/api/validation/shape-value.js'

interface Attribute {
  readonly name: string
  readonly baseName: string
  readonly type: string
}
type Model = { readonly attributeTypeMap: readonly Attribute[] }

const models = k8s as unknown as Record<string, Model | undefined>

/** Each field that Kubernetes has, down to where this schema calls it foreign. `known` is what the schema says of it. */
function* kubernetesFields(type: string, schema: JsonSchema | undefined, path: string): Generator<{ path: string; known: boolean }> {
  const item = /^Array<(.*)>$/.exec(type)?.[1]
  if (item) return yield* kubernetesFields(item, schema?.items, `${path}[]`)
  for (const { baseName, type: below } of models[type]?.attributeTypeMap ?? []) {
    const field = schema?.properties?.[baseName]
    const here = path === '' ? baseName : `${path}.${baseName}`
    yield { path: here, known: field !== undefined }
    if (field && !field['x-millrace-foreign']) yield* kubernetesFields(below, field, here)
  }
}

/** Each field of the schema that is meant to be converted, by the way to it. */
function* ownLeaves(schema: JsonSchema, path: readonly string[] = []): Generator<readonly string[]> {
  if (schema['x-millrace-foreign']) return
  if (schema.items?.properties) return yield* ownLeaves(schema.items, [...path, '0'])
  if (!schema.properties) return yield path
  for (const [name, field] of Object.entries(schema.properties)) yield* ownLeaves(field, [...path, name])
}

const probe = {
  exec: { command: ['a'] },
  httpGet: { path: '/a', port: 80, scheme: 'HTTPS' },
  tcpSocket: { port: 80 },
  initialDelaySeconds: 1,
  periodSeconds: 2,
  timeoutSeconds: 3,
  successThreshold: 4,
  failureThreshold: 5,
}
const key = { name: 'a', key: 'b', optional: true }
const files = { items: [{ key: 'a', path: 'b', mode: 1 }], defaultMode: 2, optional: true }
const term = { matchExpressions: [{ key: 'a', operator: 'In', values: ['b'] }], matchFields: [{ key: 'a', operator: 'In', values: ['b'] }] }

/** Everything at once, more than any valid template has. */
const whole = {
  metadata: { labels: { a: 'b' }, annotations: { a: 'b' } },
  spec: {
    containers: [
      {
        name: 'web',
        image: 'a',
        imagePullPolicy: 'Always',
        command: ['a'],
        args: ['a'],
        workingDir: '/a',
        env: [{ name: 'a', value: 'b', valueFrom: { secretKeyRef: key, configMapKeyRef: key } }],
        envFrom: [{ prefix: 'a', secretRef: { name: 'a', optional: true }, configMapRef: { name: 'a', optional: true } }],
        ports: [{ name: 'a', containerPort: 80, protocol: 'UDP', hostPort: 8081 }],
        resources: { requests: { cpu: '1' }, limits: { cpu: '2' } },
        volumeMounts: [{ name: 'a', mountPath: '/a', readOnly: true, subPath: 'b' }],
        startupProbe: probe,
        livenessProbe: probe,
        readinessProbe: probe,
        securityContext: { privileged: true },
      },
    ],
    volumes: [
      {
        name: 'a',
        emptyDir: { medium: 'Memory', sizeLimit: '1Mi' },
        hostPath: { path: '/a', type: 'File' },
        secret: { secretName: 'a', ...files },
        configMap: { name: 'a', ...files },
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 9,
    nodeName: 'a',
    nodeSelector: { a: 'b' },
    affinity: {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [term] },
        preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 7, preference: term }],
      },
    },
    tolerations: [{ key: 'a', operator: 'Exists', value: 'b', effect: 'NoExecute', tolerationSeconds: 5 }],
    priority: 3,
  },
}

function without(template: unknown, path: readonly string[]): PodTemplate {
  const copy = cloneValue(template) as Record<string, unknown>
  const holder = path.slice(0, -1).reduce<Record<string, unknown>>((value, name) => value[name] as Record<string, unknown>, copy)
  delete holder[path.at(-1) ?? '']
  return copy as unknown as PodTemplate
}

const text = (template: unknown) => JSON.stringify(taskFromTemplate(template as PodTemplate))

describe('a field of a Pod template', () => {
  const all = [...kubernetesFields('V1PodTemplateSpec', PodTemplateSchema.json, '')]

  it('is known, whichever Kubernetes has', () => {
    expect(all.length).toBeGreaterThan(200)
    expect(all.filter(({ known }) => !known).map(({ path }) => path)).toEqual([])
  })

  it('that Millrace has is part of the Task', () => {
    const leaves = [...ownLeaves(PodTemplateSchema.json)]
    expect(leaves.length).toBeGreaterThan(100)
    const dropped = leaves.filter((path) => text(whole) === text(without(whole, path)))
    expect(dropped).toEqual([])
  })

  it.each([...foreignFields(PodTemplateSchema.json)])('$path is refused unless it says nothing', ({ path, field }) => {
    const judge = (value: unknown) => {
      const template = withValue(path, value)
      shapeValue(PodTemplateSchema.json, template)
      return validatePodTemplate(template as unknown as PodTemplate, 'spec.template')
    }
    const values = field.harmless === 'all' ? ['anything'] : field.harmless
    for (const value of values) expect(judge(value).map((cause) => cause.field)).not.toContain(`spec.template.${named(path)}`)
    if (field.harmless !== 'all')
      expect(judge('something else')).toContainEqual(
        expect.objectContaining({ reason: 'FieldValueNotSupported', field: `spec.template.${named(path)}` }),
      )
  })
})

const named = (path: string) => path.replaceAll('[]', '[0]')

/** A template that is valid but for one value. */
function withValue(path: string, value: unknown): Record<string, unknown> {
  const template = { metadata: {}, spec: { containers: [{ name: 'web', image: 'a' }] } } as Record<string, unknown>
  const parts = path.replaceAll('[]', '.0').split('.')
  let at: Record<string, unknown> = template
  for (const [index, part] of parts.slice(0, -1).entries()) {
    at[part] ??= parts[index + 1] === '0' ? [] : {}
    at = at[part] as Record<string, unknown>
  }
  at[parts.at(-1) ?? ''] = value
  return template
}
