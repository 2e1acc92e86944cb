import { duplicateValue, forbiddenField, invalidValue, notSupported, requiredValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { sameValue } from '../json/same-value.js'
import { memoryBytes } from '../quantity.js'
import type { TaskSpec } from './task.js'

/** Rules across the fields of a Task; see define-kind.ts. */
export function validateTask(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  const spec = object.spec as TaskSpec
  return [
    ...validateBackend(spec),
    ...validateEnv(spec),
    ...validateVolumes(spec),
    ...validateProbes(spec),
    ...(old ? validateUnchanged(spec, old.spec as TaskSpec) : validateResources(spec)),
  ]
}

function validateBackend(spec: TaskSpec): StatusCause[] {
  const causes: StatusCause[] = []
  const backend = spec.backend ?? (spec.image ? 'docker' : 'process')
  if (backend === 'qemu') causes.push(...validateMicrovm(spec))
  if (backend === 'docker' && !spec.image) causes.push(requiredValue('spec.image', 'the docker backend runs an image'))
  if (backend === 'process') {
    if (spec.image) causes.push(notSupported('spec.image', spec.image, 'the process backend runs no image'))
    if (!spec.command?.length) causes.push(requiredValue('spec.command', 'the process backend needs a command'))
    if (spec.privileged) causes.push(notSupported('spec.privileged', true, 'the process backend gives no further rights'))
    causes.push(...validateProcessMounts(spec))
    for (const [index, port] of (spec.ports ?? []).entries())
      if (port.hostPort !== undefined && port.hostPort !== port.port)
        causes.push(
          notSupported(
            `spec.ports[${index}].hostPort`,
            port.hostPort,
            "a process listens on the node's own port: leave hostPort out or equal to port",
          ),
        )
  }
  if (backend === 'docker')
    for (const [index, mount] of (spec.volumeMounts ?? []).entries())
      if (!mount.mountPath?.startsWith('/'))
        causes.push(invalidValue(`spec.volumeMounts[${index}].mountPath`, mount.mountPath ?? '', 'must be an absolute path'))
  return causes
}

/** Less does not boot surely: the kernel, and the buffers of the ports by which the guest speaks. */
export const minimumGuestMemoryBytes = 256 * 1024 ** 2

/** A microVM sees nothing of its node, and runs nothing by itself. */
function validateMicrovm(spec: TaskSpec): StatusCause[] {
  const causes: StatusCause[] = []
  if (!spec.image) causes.push(requiredValue('spec.image', "the qemu backend boots an image of the node's image directory"))
  else if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(spec.image))
    causes.push(
      invalidValue('spec.image', spec.image, 'must be the name of an image in the image directory: letters, digits, ".", "_" and "-"'),
    )
  if (!spec.command?.length && !spec.args?.length)
    causes.push(requiredValue('spec.command', 'the images of the qemu backend have no command of their own'))
  if (spec.imagePullPolicy === 'Always')
    causes.push(notSupported('spec.imagePullPolicy', 'Always', 'the images of the qemu backend lie on the node and are not pulled'))
  if (spec.privileged) causes.push(notSupported('spec.privileged', true, 'a microVM has no rights on its node'))
  if (spec.volumes?.length) causes.push(notSupported('spec.volumes', spec.volumes.length, 'a microVM sees no directories of its node'))
  if (spec.workingDir !== undefined && !spec.workingDir.startsWith('/'))
    causes.push(invalidValue('spec.workingDir', spec.workingDir, 'must be an absolute path'))
  for (const list of ['requests', 'limits'] as const) {
    const resources = spec.resources?.[list] ?? {}
    if (resources.memory !== undefined && memoryBytes(resources.memory) < minimumGuestMemoryBytes)
      causes.push(invalidValue(`spec.resources.${list}.memory`, resources.memory, 'a microVM needs at least 256Mi'))
    if (resources['millrace.dev/gpu'] !== undefined)
      causes.push(notSupported(`spec.resources.${list}`, 'millrace.dev/gpu', 'the qemu backend gives no GPUs to tasks'))
  }
  return causes
}

/** The process backend has no mounts: each volume appears once, under its name, with the rights of its files. */
function validateProcessMounts(spec: TaskSpec): StatusCause[] {
  const causes: StatusCause[] = []
  const seen = new Set<string>()
  for (const [index, mount] of (spec.volumeMounts ?? []).entries()) {
    const field = `spec.volumeMounts[${index}]`
    const volume = spec.volumes?.find(({ name }) => name === mount.name)
    if (mount.mountPath !== undefined)
      causes.push(notSupported(`${field}.mountPath`, mount.mountPath, 'the process backend gives volumes under $MILLRACE_VOLUMES/NAME'))
    if (seen.has(mount.name)) causes.push(notSupported(`${field}.name`, mount.name, 'the process backend gives a volume once'))
    if (mount.readOnly && volume && !volume.secret && !volume.configMap)
      causes.push(
        notSupported(`${field}.readOnly`, true, 'the process backend keeps only volumes of secrets and config maps from being written'),
      )
    seen.add(mount.name)
  }
  return causes
}

/** The resources that nodes offer without a domain in the name. */
const plainResources = ['cpu', 'memory', 'ephemeral-storage']

function validateResources({ resources }: TaskSpec): StatusCause[] {
  if (!resources) return []
  return (['requests', 'limits'] as const).flatMap((list) =>
    Object.keys(resources[list] ?? {})
      .filter((name) => !name.includes('/') && !plainResources.includes(name))
      .map((name) =>
        notSupported(
          `spec.resources.${list}`,
          name,
          'supported values: "cpu", "memory", "ephemeral-storage", and names with a domain, as millrace.dev/gpu',
        ),
      ),
  )
}

const envName = /^[A-Za-z_][A-Za-z0-9_.-]*$/

function validateEnv(spec: TaskSpec): StatusCause[] {
  const causes: StatusCause[] = []
  for (const [index, variable] of (spec.env ?? []).entries()) {
    const field = `spec.env[${index}]`
    if (!envName.test(variable.name))
      causes.push(invalidValue(`${field}.name`, variable.name, 'must be letters, digits, _, - or ., not starting with a digit'))
    if (variable.value !== undefined && variable.valueFrom)
      causes.push(forbiddenField(`${field}.valueFrom`, 'may not be set together with value'))
    if (variable.valueFrom) causes.push(...exactlyOne(`${field}.valueFrom`, variable.valueFrom, ['secretKeyRef', 'configMapKeyRef']))
  }
  for (const [index, source] of (spec.envFrom ?? []).entries())
    causes.push(...exactlyOne(`spec.envFrom[${index}]`, source, ['secretRef', 'configMapRef']))
  return causes
}

function validateVolumes(spec: TaskSpec): StatusCause[] {
  const causes: StatusCause[] = []
  const names = new Set<string>()
  for (const [index, volume] of (spec.volumes ?? []).entries()) {
    const field = `spec.volumes[${index}]`
    if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(volume.name)) causes.push(invalidValue(`${field}.name`, volume.name, 'must be a DNS label'))
    names.add(volume.name)
    causes.push(...exactlyOne(field, volume, ['emptyDir', 'hostPath', 'secret', 'configMap']))
    if (volume.emptyDir?.sizeLimit !== undefined && volume.emptyDir.medium !== 'Memory')
      causes.push(notSupported(`${field}.emptyDir.sizeLimit`, volume.emptyDir.sizeLimit, 'it is kept with medium Memory alone'))
    if (volume.hostPath && !isPlainAbsolutePath(volume.hostPath.path))
      causes.push(invalidValue(`${field}.hostPath.path`, volume.hostPath.path, 'must be an absolute path without ".."'))
    for (const [source, items] of [
      ['secret', volume.secret?.items],
      ['configMap', volume.configMap?.items],
    ] as const)
      for (const [item, entry] of (items ?? []).entries())
        if (!isPlainRelativePath(entry.path))
          causes.push(invalidValue(`${field}.${source}.items[${item}].path`, entry.path, 'must be a relative path without ".."'))
  }
  const targets = new Set<string>()
  for (const [index, mount] of (spec.volumeMounts ?? []).entries()) {
    const field = `spec.volumeMounts[${index}]`
    if (!names.has(mount.name)) causes.push(invalidValue(`${field}.name`, mount.name, 'no volume has this name'))
    if (mount.mountPath?.startsWith('/') && !isPlainAbsolutePath(mount.mountPath))
      causes.push(invalidValue(`${field}.mountPath`, mount.mountPath, 'must be an absolute path without ".."'))
    if (mount.mountPath && targets.has(mount.mountPath)) causes.push(duplicateValue(`${field}.mountPath`, mount.mountPath))
    if (mount.mountPath) targets.add(mount.mountPath)
    if (mount.subPath !== undefined && !isPlainRelativePath(mount.subPath))
      causes.push(invalidValue(`${field}.subPath`, mount.subPath, 'must be a relative path without ".."'))
  }
  return causes
}

function validateProbes(spec: TaskSpec): StatusCause[] {
  const causes: StatusCause[] = []
  for (const name of ['startupProbe', 'livenessProbe', 'readinessProbe'] as const) {
    const probe = spec[name]
    if (!probe) continue
    causes.push(...exactlyOne(`spec.${name}`, probe, ['exec', 'http', 'tcp']))
    if (name !== 'readinessProbe' && probe.successThreshold !== 1)
      causes.push(invalidValue(`spec.${name}.successThreshold`, probe.successThreshold, 'must be 1'))
  }
  return causes
}

/** What may change after creation. The binding is a subresource of its own and does not pass here. */
const mutable = new Set([
  'suspend',
  'activeDeadlineSeconds',
  'ttlSecondsAfterFinished',
  'priority',
  'terminationGracePeriodSeconds',
  'tolerations',
  'nodeName',
])

function validateUnchanged(spec: TaskSpec, old: TaskSpec): StatusCause[] {
  const fields = new Set([...Object.keys(spec), ...Object.keys(old)] as (keyof TaskSpec)[])
  return [...fields]
    .filter((field) => !mutable.has(field) && !sameValue(spec[field], old[field]))
    .map((field) =>
      forbiddenField(`spec.${field}`, `may not be changed; only ${[...mutable].filter((name) => name !== 'nodeName').join(', ')} may`),
    )
}

function exactlyOne(field: string, value: object, names: string[]): StatusCause[] {
  const set = names.filter((name) => (value as Record<string, unknown>)[name] !== undefined)
  if (set.length === 0) return [requiredValue(field, `one of ${names.join(', ')}`)]
  if (set.length > 1) return [forbiddenField(`${field}.${set[1]}`, `only one of ${names.join(', ')} may be set`)]
  return []
}

const isPlainAbsolutePath = (path: string) => path.startsWith('/') && !hasParentPart(path)
const isPlainRelativePath = (path: string) => path !== '' && !path.startsWith('/') && !hasParentPart(path)
const hasParentPart = (path: string) => path.includes('\0') || path.split('/').includes('..')
