import { parseFieldSelector, printFieldSelector } from '../../lib/api/field-selector.js'
import { Pod } from '../../lib/api/kinds/pod.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { Store } from '../storage/store.js'
import { shownObject } from './object-view.js'
import { podView } from './pod/pod-view.js'

/**
 * A selector of Events about a Pod as one about the Task behind it; any other as it is. Programs report about what is stored. Who names a Pod by
 * its uid may leave the kind out.
 */
export function eventsBehindView(store: Pick<Store, 'get'>, namespace: string, fieldSelector: string): string {
  if (!fieldSelector.includes('involvedObject.')) return fieldSelector
  const terms = parseFieldSelector(fieldSelector)
  const asked = (field: string) => terms.find(({ path, operator }) => path === `involvedObject.${field}` && operator === '=')?.value
  if ((asked('kind') ?? Pod.kind) !== Pod.kind) return fieldSelector
  const behind: Readonly<Record<string, (value: string) => string>> = {
    'involvedObject.kind': () => Task.kind,
    'involvedObject.apiVersion': (value) => (value === Pod.apiVersion ? Task.apiVersion : value),
    'involvedObject.uid': (value) => sourceUid(store, asked('namespace') || namespace, asked('name') ?? '', value),
  }
  const equal = (path: string, value: string) => behind[path]?.(value) ?? value
  return printFieldSelector(terms.map((term) => (term.operator === '=' ? { ...term, value: equal(term.path, term.value) } : term)))
}

/** The uid of the Task whose present Pod has this one. */
function sourceUid(store: Pick<Store, 'get'>, namespace: string, name: string, uid: string): string {
  const stored = store.get({ group: Task.group, resource: Task.plural, namespace, name })
  return stored && shownObject(podView, stored)?.uid === uid ? stored.uid : uid
}
