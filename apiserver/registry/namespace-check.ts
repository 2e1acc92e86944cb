import { forbidden, notFound } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import type { ReadView } from '../storage/store.js'
import { subjectOf } from './resource-rules.js'

/** Throws unless new objects may be made in the namespace: 404 when it is missing, 403 when it is being deleted. */
export function assertNamespaceTakes(kind: Kind, namespace: string, name: string, view: ReadView): void {
  if (kind.scope !== 'Namespaced') return
  const found = view.get({ group: '', resource: 'namespaces', namespace: '', name: namespace })
  if (!found) throw notFound({ group: '', resource: 'namespaces', name: namespace })
  if (found.facets.fields['status.phase'] !== 'Terminating') return
  throw forbidden(subjectOf(kind, name), `unable to create new content in namespace ${namespace} because it is being terminated`, [
    { reason: 'NamespaceTerminating', message: `namespace ${namespace} is being terminated`, field: 'metadata.namespace' },
  ])
}
