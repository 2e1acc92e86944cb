import { badRequest, notFound } from '../../lib/api/api-error.js'
import type { KubeObject, ScalePaths } from '../../lib/api/define-kind.js'
import { createPatch } from '../patch/create-patch.js'
import type { Decide, StoredObject } from '../storage/store.js'
import { decideUpdate } from './decide-update.js'
import { trackWrite } from './field-tracking.js'
import { parseStored } from './object-bytes.js'
import type { DecodedBody, PatchType, RequestContext, Target } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, subjectOf } from './resource-rules.js'
import { type Scale, scaledObject, scaleOf } from './scale.js'

type ScaleTarget = Omit<Target, 'subresource'>

/** See registry.ts. */
export function getScale(parts: RegistryParts, { kind, namespace, name }: ScaleTarget): Scale {
  const stored = parts.store.get(keyOf(kind, namespace, name))
  if (!stored) throw notFound(subjectOf(kind, name))
  return shownScale(parts, kind, stored)
}

/** See registry.ts. */
export async function scaleObject(
  parts: RegistryParts,
  target: ScaleTarget,
  type: PatchType | 'replace',
  body: DecodedBody,
  context: RequestContext,
): Promise<Scale> {
  const { kind, namespace, name } = target
  const rules = parts.rulesOf(kind)
  const paths = pathsOf(kind)
  const patch = type === 'replace' ? undefined : createPatch(rules, type, body.value)
  const part: Target = { ...target, subresource: 'scale' }
  const next = (stored: StoredObject): KubeObject => {
    const object = parseStored(rules.serve(stored))
    const wanted = patch ? patch.apply(scaleOf(paths, object) as unknown as KubeObject) : body.value
    return scaledObject(paths, target, object, wanted)
  }
  const decide: Decide = (current, view) => {
    if (!current) throw notFound(subjectOf(kind, name))
    const change = { next, guarded: patch?.guarded ?? false, track: trackWrite(part, context) }
    return decideUpdate(parts, rules, part, change, current, view, context)
  }
  const result = await write(parts, keyOf(kind, namespace, name), decide, context)
  return shownScale(parts, kind, result.object as StoredObject)
}

function shownScale(parts: RegistryParts, kind: Target['kind'], stored: StoredObject): Scale {
  const object = parseStored(parts.rulesOf(kind).serve(stored))
  return scaleOf(pathsOf(kind), object)
}

function pathsOf(kind: Target['kind']): ScalePaths {
  const paths = kind.scale
  if (!paths) throw badRequest(`${kind.plural} have no scale`)
  return paths
}
