import { forbidden } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { builtinNamespaces } from '../../../lib/api/kinds/namespace.js'
import type { Strategy } from './strategy.js'

/** Held until the namespace controller has emptied the namespace. */
const contentFinalizer = 'kubernetes'

interface NamespaceParts {
  spec?: { finalizers?: string[] }
  status?: { phase?: string }
}

/** A namespace is Active until its deletion, then Terminating until `finalize` has removed the last of spec.finalizers. */
export const namespaceStrategy: Strategy = {
  prepareCreate(object) {
    object.spec = { finalizers: [...new Set([...((object as NamespaceParts).spec?.finalizers ?? []), contentFinalizer])] }
    object.status = { phase: 'Active' }
  },

  /** spec.finalizers belongs to the subresource `finalize`, the phase to the server. */
  prepareUpdate(object, old, facts) {
    if (facts.subresource !== 'finalize') object.spec = old.spec
    const { phase } = (old as NamespaceParts).status ?? {}
    object.status = { ...(object.status as object | undefined), ...(phase ? { phase } : {}) }
  },

  checkDelete(object) {
    const { name } = object.metadata
    if ((builtinNamespaces as readonly string[]).includes(name))
      throw forbidden({ group: '', resource: 'namespaces', name }, 'this namespace may not be deleted')
  },

  prepareDelete(object) {
    object.status = { ...(object.status as object | undefined), phase: 'Terminating' }
  },

  holdsDeletion: (object: KubeObject) => ((object as NamespaceParts).spec?.finalizers ?? []).length > 0,
}
