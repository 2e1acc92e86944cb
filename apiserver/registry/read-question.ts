import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import { judgeFindings } from './field-strictness.js'
import { incomingObject } from './incoming-object.js'
import type { DecodedBody, RequestContext } from './registry.js'
import { createResourceRules, type ResourceRules, refuse } from './resource-rules.js'

const rulesOfKinds = new WeakMap<Kind, ResourceRules>()

/** Reads a body that asks something and is not stored: in the shape of its kind, with defaults, without a status, valid. */
export function readQuestion(kind: Kind, body: DecodedBody, context: RequestContext): KubeObject {
  const rules = rulesOfKinds.get(kind) ?? createResourceRules(kind)
  rulesOfKinds.set(kind, rules)
  const { object, findings } = incomingObject(kind, body)
  judgeFindings(findings, context)
  delete object.status
  rules.assertShape(object)
  refuse(kind, object.metadata.name ?? '', kind.validate?.(object, undefined) ?? [])
  return object
}
