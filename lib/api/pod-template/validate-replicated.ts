import { invalidValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { sameValue } from '../json/same-value.js'
import { matchesLabels } from '../label-selector.js'
import { type LabelSelectorObject, selectorOf, validateSelector } from '../label-selector-object.js'
import type { PodTemplate } from './pod-template.js'
import { validatePodTemplate } from './validate-pod-template.js'

interface ReplicatedSpec {
  readonly selector: LabelSelectorObject
  readonly template: PodTemplate
}

/** The rules that every kind has which keeps Tasks of a template: the selector says something, matches the template and stays. */
export function validateReplicated(object: KubeObject, old: KubeObject | undefined): StatusCause[] {
  // A write of the status alone leaves the spec as the same value.
  if (object.spec === old?.spec) return []
  const { selector, template } = object.spec as ReplicatedSpec
  return [
    ...selectorCauses(object.kind, selector, (old?.spec as ReplicatedSpec | undefined)?.selector),
    ...labelCauses(selector, template),
    ...validatePodTemplate(template, 'spec.template'),
  ]
}

function selectorCauses(kind: string, selector: LabelSelectorObject, old: LabelSelectorObject | undefined): StatusCause[] {
  const field = 'spec.selector'
  if (old && !sameValue(selector, old)) return [invalidValue(field, selector, 'field is immutable')]
  if (selectorOf(selector).length === 0) return [invalidValue(field, selector, `empty selector is invalid for ${kind.toLowerCase()}`)]
  return validateSelector(selector, field)
}

function labelCauses(selector: LabelSelectorObject, { metadata: { labels = {} } }: PodTemplate): StatusCause[] {
  if (matchesLabels(selectorOf(selector), labels)) return []
  return [invalidValue('spec.template.metadata.labels', labels, '`selector` does not match template `labels`')]
}
