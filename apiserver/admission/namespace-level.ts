import { securityLabel } from '../../lib/api/kinds/namespace.js'
import type { ReadView } from '../storage/store.js'

/** The security level of a namespace: its label, or `baseline`. */
export function levelOf(namespace: string, view: ReadView): string {
  return view.get({ group: '', resource: 'namespaces', namespace: '', name: namespace })?.facets.labels[securityLabel] ?? 'baseline'
}
