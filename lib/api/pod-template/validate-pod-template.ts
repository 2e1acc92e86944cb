import { invalidValue, notSupported, requiredValue, type StatusCause } from '../api-error.js'
import type { Task } from '../kinds/task.js'
import { validateTask } from '../kinds/task-validation.js'
import { isDnsLabel } from '../names.js'
import { validateAnnotations, validateLabels } from '../validation/validate-metadata.js'
import type { ContainerProbe, ContainerTemplate } from './container-template.js'
import { foreignCauses } from './foreign-field.js'
import { type PodTemplate, PodTemplateSchema } from './pod-template.js'
import { portNumber, taskFromTemplate } from './task-from-template.js'

/**
 * What is wrong with a template at `path`: what Millrace cannot do, and what would make an invalid
 * Task. The template has the shape of its schema, with defaults.
 */
export function validatePodTemplate(template: PodTemplate, path: string): StatusCause[] {
  const causes = [...foreignCauses(PodTemplateSchema.json, template, path), ...containersCauses(template, path)]
  if (causes.length > 0) return causes
  return [
    ...validateLabels(template.metadata.labels ?? {}, `${path}.metadata.labels`),
    ...validateAnnotations(template.metadata.annotations ?? {}, `${path}.metadata.annotations`),
    ...taskCauses(template, path),
  ]
}

function containersCauses({ spec: { containers } }: PodTemplate, path: string): StatusCause[] {
  const [container, second] = containers
  const field = `${path}.spec.containers`
  if (!container) return [requiredValue(field, 'a template has one container')]
  if (second) return [notSupported(`${field}[1]`, second.name, 'a Task is one container')]
  const causes = isDnsLabel(container.name) ? [] : [invalidValue(`${field}[0].name`, container.name, 'must be a DNS label')]
  return [...causes, ...portCauses(container, `${field}[0]`), ...(container.image ? [] : processMountCauses(container, `${field}[0]`))]
}

const probes = ['startupProbe', 'livenessProbe', 'readinessProbe'] as const
const askers = ['httpGet', 'tcpSocket'] as const

function portCauses(container: ContainerTemplate, path: string): StatusCause[] {
  return probes.flatMap((probe) =>
    askers.flatMap((asker) => {
      const port = (container[probe] as ContainerProbe | undefined)?.[asker]?.port
      if (port === undefined) return []
      const number = portNumber(port, container)
      const field = `${path}.${probe}.${asker}.port`
      if (number === undefined) return [invalidValue(field, port, 'no TCP port of the container has this name')]
      return number >= 1 && number <= 65535 ? [] : [invalidValue(field, port, 'must be between 1 and 65535')]
    }),
  )
}

/** Every mount has a path in Kubernetes; here it must be the one that the process backend gives. */
function processMountCauses({ volumeMounts = [] }: ContainerTemplate, path: string): StatusCause[] {
  return volumeMounts.flatMap(({ name, mountPath }, index) => {
    const given = `$MILLRACE_VOLUMES/${name}`
    const field = `${path}.volumeMounts[${index}].mountPath`
    return mountPath === given
      ? []
      : [notSupported(field, mountPath, `without an image there are no mounts; the volume is given under ${given}`)]
  })
}

function taskCauses(template: PodTemplate, path: string): StatusCause[] {
  const { spec } = taskFromTemplate(template)
  const task = { apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: {} as Task['metadata'], spec }
  return validateTask(task, undefined).map((cause) => ({ ...cause, field: templateField(cause.field ?? 'spec', path) }))
}

/** Where the template says what a field of the Task says: `spec.env[0].name` → `spec.template.spec.containers[0].env[0].name`. */
function templateField(field: string, path: string): string {
  const [, name = '', rest = ''] = /^spec\.([^.[]+)(.*)$/.exec(field) ?? []
  if (podFields.has(name)) return `${path}.spec.${name}${rest}`
  const container = `${path}.spec.containers[0]`
  if (name === 'privileged') return `${container}.securityContext.privileged`
  if (name === 'backend') return `${container}.image`
  return `${container}.${name}${rest.replace(/^\.http(?=\.|$)/, '.httpGet').replace(/^\.tcp(?=\.|$)/, '.tcpSocket')}`
}
const podFields = new Set([
  'volumes',
  'restartPolicy',
  'terminationGracePeriodSeconds',
  'nodeName',
  'nodeSelector',
  'affinity',
  'tolerations',
  'priority',
])
