import { notFound } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { createPatch } from '../patch/create-patch.js'
import type { Decide, StoredObject } from '../storage/store.js'
import { decideUpdate } from './decide-update.js'
import { type Findings, judgeFindings } from './field-strictness.js'
import { trackWrite } from './field-tracking.js'
import { incomingObject } from './incoming-object.js'
import { parseStored } from './object-bytes.js'
import type { DecodedBody, ObjectResult, PatchType, RequestContext, Target } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, subjectOf } from './resource-rules.js'

/** Patches an object, or one of its subresources, as it is in the committer's turn; see registry.ts. */
export async function patchObject(
  parts: RegistryParts,
  target: Target,
  type: PatchType,
  body: DecodedBody,
  context: RequestContext,
): Promise<ObjectResult> {
  const { kind, namespace, name } = target
  const rules = parts.rulesOf(kind)
  const patch = createPatch(rules, type, body.value)
  let findings: Findings | undefined
  const next = (stored: StoredObject): KubeObject => {
    const incoming = incomingObject(kind, { value: patch.apply(parseStored(rules.serve(stored))), duplicates: body.duplicates })
    findings = incoming.findings
    if (context.fieldValidation === 'Strict') judgeFindings(findings, context)
    return incoming.object
  }
  const decide: Decide = (current, view) => {
    if (!current) throw notFound(subjectOf(kind, name))
    return decideUpdate(parts, rules, target, { next, guarded: patch.guarded, track: trackWrite(target, context) }, current, view, context)
  }
  const result = await write(parts, keyOf(kind, namespace, name), decide, context)
  if (findings && context.fieldValidation !== 'Strict') judgeFindings(findings, context)
  return { object: rules.serve(result.object as StoredObject), created: false }
}
