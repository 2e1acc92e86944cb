/**
 * The three patches of Kubernetes, each a pure function from the stored object to the wanted one. They are applied in the committer's turn,
 * so that a patch never meets a state that it was not computed on.
 *
 *     const patch = createPatch(rules, 'application/merge-patch+json', { spec: { suspend: true } })
 *     patch.apply(object)
 */
import { ApiError, badRequest } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { PatchType } from '../registry/registry.js'
import { applyJsonPatch, type Operation, PatchRefused, parseJsonPatch } from './json-patch.js'
import { mergePatch } from './merge-patch.js'
import { strategicMerge } from './strategic-merge.js'

export interface Patch {
  /** The wanted object, or whatever the patch makes of it. May change and keep parts of `old`, which nobody else holds. */
  apply(old: KubeObject): unknown
  /** Whether the patch names the resourceVersion that it was made for. */
  readonly guarded: boolean
}

/** Throws BadRequest or UnsupportedMediaType for what is no patch of this type, or no patch for this kind. */
export function createPatch({ kind, custom }: { kind: Kind; custom: boolean }, type: PatchType, body: unknown): Patch {
  switch (type) {
    case 'application/merge-patch+json': {
      const patch = asObject(body)
      return { apply: (old) => mergePatch(old, patch), guarded: namesRevision(patch) }
    }
    case 'application/json-patch+json': {
      const patch = parseJsonPatch(body)
      return { apply: (old) => applyOrRefuse(old, patch), guarded: patch.some(guardsRevision) }
    }
    case 'application/strategic-merge-patch+json': {
      if (custom) throw strategicUnsupported(kind)
      const patch = asObject(body)
      return { apply: (old) => strategicMerge(kind.schema, old, patch), guarded: namesRevision(patch) }
    }
  }
}

/** A refusal names neither object nor cause: then kubectl prints its text. */
function applyOrRefuse(old: KubeObject, patch: readonly Operation[]): unknown {
  try {
    return applyJsonPatch(old, patch)
  } catch (error) {
    if (error instanceof PatchRefused) throw new ApiError('Invalid', `the JSON patch does not apply: ${error.message}`)
    throw error
  }
}

/** The text by which kubectl's users know that a kind has no strategic merge. */
function strategicUnsupported(kind: Kind): ApiError {
  return new ApiError(
    'UnsupportedMediaType',
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
    { details: { group: kind.group, kind: kind.plural } },
  )
}

function asObject(body: unknown): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest('the patch must be an object')
  return body as Record<string, unknown>
}

function namesRevision(patch: Record<string, unknown>): boolean {
  const metadata = patch.metadata as { resourceVersion?: unknown } | null | undefined
  return typeof metadata?.resourceVersion === 'string' && metadata.resourceVersion !== ''
}

/** Testing or writing the revision makes the patch fail when it has moved. */
function guardsRevision({ op, path }: Operation): boolean {
  return ['test', 'replace', 'add'].includes(op) && path.length === 2 && path[0] === 'metadata' && path[1] === 'resourceVersion'
}
