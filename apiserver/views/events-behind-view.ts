import { parseFieldSelector, printFieldSelector } from '../../lib/api/field-selector.js'
import { Pod } from '../../lib/api/kinds/pod.js'
import type { Store } from '../storage/store.js'
import { behind, shownObject } from './object-view.js'
import { podView } from './pod/pod-view.js'

/**
 * A selector of Events about a Pod as one about the Task or Vps behind it, as its name says; any other as it is. Programs report about what
 * is stored. Who names a Pod by its uid may leave the kind out.
 */
export function eventsBehindView(store: Pick<Store, 'get'>, namespace: string, fieldSelector: string): string {
  if (!fieldSelector.includes('involvedObject.')) return fieldSelector
  const terms = parseFieldSelector(fieldSelector)
  const asked = (field: string) => terms.find(({ path, operator }) => path === `involvedObject.${field}` && operator === '=')?.value
  const [kind, uid] = [asked('kind'), asked('uid')]
  if ((kind ?? Pod.kind) !== Pod.kind) return fieldSelector
  const source = behind(podView.kind, asked('namespace') || namespace, asked('name') ?? '')
  const stored = store.get({ group: source.kind.group, resource: source.kind.plural, namespace: source.namespace, name: source.name })
  const isIts = uid !== undefined && stored !== undefined && shownObject(podView, stored)?.uid === uid
  // Something else may have the name that a Vps has as a Pod.
  if (kind === undefined && !isIts) return fieldSelector
  const meant: Readonly<Record<string, (value: string) => string>> = {
    'involvedObject.kind': () => source.kind.kind,
    'involvedObject.apiVersion': (value) => (value === Pod.apiVersion ? source.kind.apiVersion : value),
    'involvedObject.name': () => source.name,
    'involvedObject.uid': (value) => (isIts ? stored.uid : value),
  }
  const equal = (path: string, value: string) => meant[path]?.(value) ?? value
  return printFieldSelector(terms.map((term) => (term.operator === '=' ? { ...term, value: equal(term.path, term.value) } : term)))
}
