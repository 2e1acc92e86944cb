import { badRequest, invalidValue } from '../../lib/api/api-error.js'
import type { KubeObject, ScalePaths } from '../../lib/api/define-kind.js'
import { printLabelSelector } from '../../lib/api/label-selector.js'
import { type LabelSelectorObject, selectorOf } from '../../lib/api/label-selector-object.js'
import type { Target } from './registry.js'
import { refuse } from './resource-rules.js'

/** How many replicas an object shall have and has: Kubernetes' autoscaling/v1 Scale. */
export interface Scale {
  readonly kind: 'Scale'
  readonly apiVersion: 'autoscaling/v1'
  readonly metadata: Partial<KubeObject['metadata']>
  readonly spec: { readonly replicas: number }
  readonly status: { readonly replicas: number; readonly selector?: string }
}

export function scaleOf(paths: ScalePaths, object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata
  const selector = paths.selector && selectorText(valueAt(object, paths.selector))
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, ...(namespace ? { namespace } : {}), uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberAt(object, paths.specReplicas) },
    status: { replicas: numberAt(object, paths.statusReplicas), ...(selector === undefined ? {} : { selector }) },
  }
}

/**
 * The object with the replicas that a Scale asks for, and the revision and uid that
 * it names. Throws ApiErrors for what is no Scale of the object.
 */
export function scaledObject(
  paths: ScalePaths,
  target: Pick<Target, 'kind' | 'name' | 'namespace'>,
  object: KubeObject,
  wanted: unknown,
): KubeObject {
  if (!isRecord(wanted)) throw badRequest('the body must be a Scale')
  const { kind = 'Scale', apiVersion = 'autoscaling/v1', metadata = {}, spec = {} } = wanted
  if (kind !== 'Scale' || apiVersion !== 'autoscaling/v1') throw badRequest('the body must be a Scale of autoscaling/v1')
  if (!isRecord(metadata) || !isRecord(spec)) throw badRequest('metadata and spec of a Scale must be objects')
  const { name = target.name, namespace = target.namespace, uid = '', resourceVersion = '' } = metadata
  if (name !== target.name || namespace !== target.namespace) throw badRequest('the name of the Scale does not match the name on the URL')
  const { replicas = 0 } = spec
  if (!Number.isInteger(replicas) || (replicas as number) < 0 || (replicas as number) > maxReplicas)
    refuse(target.kind, target.name, [invalidValue('spec.replicas', replicas, 'should be a non-negative integer')])
  const scaled = withValue(object, paths.specReplicas, replicas) as KubeObject
  return { ...scaled, metadata: { ...object.metadata, uid: String(uid), resourceVersion: String(resourceVersion) } }
}
const maxReplicas = 2 ** 31 - 1

function valueAt(object: unknown, [name, ...rest]: readonly string[]): unknown {
  if (name === undefined) return object
  return isRecord(object) && Object.hasOwn(object, name) ? valueAt(object[name], rest) : undefined
}

/** As a query has it, whichever way the object holds it. */
function selectorText(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  return isRecord(value) ? printLabelSelector(selectorOf(value as LabelSelectorObject)) : undefined
}

function numberAt(object: unknown, path: readonly string[]): number {
  const value = valueAt(object, path)
  return typeof value === 'number' ? value : 0
}

function withValue(object: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value
  const members = isRecord(object) ? object : {}
  return { ...members, [name]: withValue(members[name], rest, value) }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
