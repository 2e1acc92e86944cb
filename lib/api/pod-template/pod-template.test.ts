import { describe, expect, it } from 'vitest'
import { createSchemaValidator } from '../validation/schema-validator.js'
import { shapeValue } from '../validation/shape-value.js'
import { type PodTemplate, PodTemplateSchema } from './pod-template.js'
import { taskFromTemplate } from './task-from-template.js'
import { validatePodTemplate } from './validate-pod-template.js'

const validate = createSchemaValidator(PodTemplateSchema.json)
const web = { name: 'web', image: 'nginx' }
const shell = { name: 'sh', command: ['sleep', '600'] }
const timing = { initialDelaySeconds: 0, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3 }

/** A template as the server has it: in the shape of its schema, with defaults. */
function templateOf(container: object, pod: object = {}, metadata: object = { labels: { app: 'web' } }): PodTemplate {
  const template = structuredClone({ metadata, spec: { containers: [container], ...pod } })
  expect(shapeValue(PodTemplateSchema.json, template)).toEqual([])
  return template as unknown as PodTemplate
}

const refusals = (template: PodTemplate) => [
  ...validate(template).map(({ reason, field }) => `${reason} spec.template.${field}`),
  ...validatePodTemplate(template, 'spec.template').map(({ reason, field }) => `${reason} ${field}`),
]

describe('a template', () => {
  it.each<[string, object, object, object]>([
    ['with an image', web, {}, { image: 'nginx' }],
    ['without an image', shell, {}, { command: ['sleep', '600'] }],
    [
      'with ports, by another name',
      { ...web, ports: [{ containerPort: 80, name: 'http', hostPort: 8080 }] },
      {},
      { image: 'nginx', ports: [{ name: 'http', port: 80, protocol: 'TCP', hostPort: 8080 }] },
    ],
    [
      'with probes, whose ports may have names',
      {
        ...web,
        ports: [{ containerPort: 80, name: 'http' }],
        readinessProbe: { httpGet: { port: 'http' } },
        livenessProbe: { tcpSocket: { port: 81 }, periodSeconds: 3 },
        startupProbe: { exec: { command: ['true'] } },
      },
      {},
      {
        image: 'nginx',
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
        readinessProbe: { http: { path: '/', port: 80, scheme: 'HTTP' }, ...timing },
        livenessProbe: { tcp: { port: 81 }, ...timing, periodSeconds: 3 },
        startupProbe: { exec: { command: ['true'] }, ...timing },
      },
    ],
    [
      'with settings and volumes',
      {
        ...web,
        args: ['-v'],
        workingDir: '/srv',
        imagePullPolicy: 'Always',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
        ],
        envFrom: [{ prefix: 'P_', configMapRef: { name: 'c' } }],
        resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } },
        volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true, subPath: 'a' }],
        securityContext: { privileged: true },
      },
      { volumes: [{ name: 'v', emptyDir: {} }] },
      {
        image: 'nginx',
        args: ['-v'],
        workingDir: '/srv',
        imagePullPolicy: 'Always',
        env: [
          { name: 'A', value: '1' },
          { name: 'B', valueFrom: { secretKeyRef: { name: 's', key: 'k', optional: false } } },
        ],
        envFrom: [{ prefix: 'P_', configMapRef: { name: 'c', optional: false } }],
        resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } },
        volumes: [{ name: 'v', emptyDir: { medium: '' } }],
        volumeMounts: [{ name: 'v', mountPath: '/v', readOnly: true, subPath: 'a' }],
        privileged: true,
      },
    ],
    [
      'with a volume on the process backend, which has no mounts',
      { ...shell, volumeMounts: [{ name: 'v', mountPath: '$MILLRACE_VOLUMES/v' }] },
      { volumes: [{ name: 'v', emptyDir: {} }] },
      { command: ['sleep', '600'], volumes: [{ name: 'v', emptyDir: { medium: '' } }], volumeMounts: [{ name: 'v', readOnly: false }] },
    ],
    [
      'with a place',
      web,
      {
        nodeName: 'n1',
        nodeSelector: { gpu: 'a100' },
        tolerations: [{ key: 'k', effect: 'NoSchedule' }],
        affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] }, podAffinity: {} },
        priority: 7,
        terminationGracePeriodSeconds: 5,
      },
      {
        image: 'nginx',
        nodeName: 'n1',
        nodeSelector: { gpu: 'a100' },
        tolerations: [{ key: 'k', operator: 'Equal', effect: 'NoSchedule' }],
        affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: {} }] } },
        priority: 7,
        terminationGracePeriodSeconds: 5,
      },
    ],
  ])('%s becomes a Task', (_what, container, pod, expected) => {
    const template = templateOf(container, pod)
    expect(refusals(template)).toEqual([])
    const { metadata, spec } = taskFromTemplate(template)
    expect(metadata.labels).toEqual({ app: 'web' })
    expect(spec).toEqual({ restartPolicy: 'Always', terminationGracePeriodSeconds: 30, resources: {}, ...expected })
  })

  it('names the container of the Pods that stand for its Tasks', () => {
    const annotationsOf = (name: string) =>
      taskFromTemplate(templateOf({ ...web, name }, {}, { annotations: { a: 'b' } })).metadata.annotations
    expect(annotationsOf('web')).toEqual({ a: 'b', 'millrace.dev/container': 'web' })
    expect(annotationsOf('main')).toEqual({ a: 'b' })
  })

  it.each<[object, object, string[]]>([
    [{ ...web, image: undefined }, {}, ['FieldValueRequired spec.template.spec.containers[0].command']],
    [{ ...web, name: 'We b' }, {}, ['FieldValueInvalid spec.template.spec.containers[0].name']],
    [web, { containers: [] }, ['FieldValueRequired spec.template.spec.containers']],
    [web, { containers: [web, { ...web, name: 'side' }] }, ['FieldValueNotSupported spec.template.spec.containers[1]']],
    [web, { restartPolicy: 'Never' }, ['FieldValueNotSupported spec.template.spec.restartPolicy']],
    [web, { initContainers: [web] }, ['FieldValueNotSupported spec.template.spec.initContainers']],
    [web, { hostNetwork: true }, ['FieldValueNotSupported spec.template.spec.hostNetwork']],
    [web, { serviceAccountName: 'robot' }, ['FieldValueNotSupported spec.template.spec.serviceAccountName']],
    [web, { activeDeadlineSeconds: 5 }, ['FieldValueNotSupported spec.template.spec.activeDeadlineSeconds']],
    [web, { topologySpreadConstraints: [{}] }, ['FieldValueNotSupported spec.template.spec.topologySpreadConstraints']],
    [web, { securityContext: { runAsUser: 1 } }, ['FieldValueNotSupported spec.template.spec.securityContext']],
    [web, { affinity: { podAntiAffinity: { x: [] } } }, ['FieldValueNotSupported spec.template.spec.affinity.podAntiAffinity']],
    [{ ...web, lifecycle: { preStop: {} } }, {}, ['FieldValueNotSupported spec.template.spec.containers[0].lifecycle']],
    [
      { ...web, securityContext: { privileged: true, runAsUser: 0 } },
      {},
      ['FieldValueNotSupported spec.template.spec.containers[0].securityContext.runAsUser'],
    ],
    [
      {
        ...web,
        env: [
          { name: 'A', value: 'b' },
          { name: 'B', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ],
      },
      {},
      ['FieldValueNotSupported spec.template.spec.containers[0].env[1].valueFrom.fieldRef'],
    ],
    [
      web,
      {
        volumes: [
          { name: 'a', emptyDir: {} },
          { name: 'b', persistentVolumeClaim: { claimName: 'c' } },
        ],
      },
      ['FieldValueNotSupported spec.template.spec.volumes[1].persistentVolumeClaim'],
    ],
    [web, { volumes: [{ name: 'a', projected: {} }] }, ['FieldValueNotSupported spec.template.spec.volumes[0].projected']],
    [
      { ...web, readinessProbe: { grpc: { port: 1 } } },
      {},
      ['FieldValueNotSupported spec.template.spec.containers[0].readinessProbe.grpc'],
    ],
    [
      { ...web, readinessProbe: { httpGet: { port: 'http' } } },
      {},
      ['FieldValueInvalid spec.template.spec.containers[0].readinessProbe.httpGet.port'],
    ],
    [
      { ...web, readinessProbe: { tcpSocket: { port: 0 } } },
      {},
      ['FieldValueInvalid spec.template.spec.containers[0].readinessProbe.tcpSocket.port'],
    ],
    [
      { ...web, livenessProbe: { httpGet: { port: 1 }, tcpSocket: { port: 1 } } },
      {},
      ['FieldValueForbidden spec.template.spec.containers[0].livenessProbe.tcpSocket'],
    ],
    [
      { ...shell, volumeMounts: [{ name: 'v', mountPath: '/v' }] },
      { volumes: [{ name: 'v', emptyDir: {} }] },
      ['FieldValueNotSupported spec.template.spec.containers[0].volumeMounts[0].mountPath'],
    ],
    [
      { ...shell, securityContext: { privileged: true } },
      {},
      ['FieldValueNotSupported spec.template.spec.containers[0].securityContext.privileged'],
    ],
    [web, { volumes: [{ name: 'v', hostPath: { path: '../x' } }] }, ['FieldValueInvalid spec.template.spec.volumes[0].hostPath.path']],
  ])('of %j with %j is refused at %j', (container, pod, expected) => expect(refusals(templateOf(container, pod))).toEqual(expected))

  it.each([
    [{ labels: { 'a b': 'c' } }, ['FieldValueInvalid spec.template.metadata.labels']],
    [{ annotations: { 'a b': 'c' } }, ['FieldValueInvalid spec.template.metadata.annotations']],
    [{ finalizers: ['a/b'] }, ['FieldValueNotSupported spec.template.metadata.finalizers']],
    [{ name: 'web', namespace: 'other', creationTimestamp: null }, []],
  ])('with the metadata %j is refused at %j', (metadata, expected) => expect(refusals(templateOf(web, {}, metadata))).toEqual(expected))

  it('may say, field by field, what happens anyway', () => {
    const container = {
      ...web,
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      securityContext: {},
      stdin: false,
      volumeMounts: [],
    }
    const pod = {
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
      serviceAccountName: 'default',
      enableServiceLinks: false,
      hostNetwork: false,
      initContainers: [],
      os: { name: 'linux' },
    }
    expect(refusals(templateOf(container, pod))).toEqual([])
    expect(taskFromTemplate(templateOf(container, pod)).spec).toEqual({ ...taskFromTemplate(templateOf(web)).spec, volumeMounts: [] })
  })
})
