import type { Kind } from '../../lib/api/define-kind.js'
import { CustomResourceDefinition } from '../../lib/api/kinds/custom-resource-definition.js'
import { decideUpdate } from './decide-update.js'
import { trackWrite } from './field-tracking.js'
import { parseStored } from './object-bytes.js'
import type { RequestContext, Target } from './registry.js'
import type { RegistryParts } from './registry-write.js'
import { waitsForNames } from './strategies/custom-resource-definition.js'

const kind = CustomResourceDefinition as unknown as Kind

/**
 * Looks again at the definitions that ask for a name which somebody else had: it
 * may be free now. What fails is looked at after the next change.
 */
export function settleDefinitions(parts: RegistryParts): void {
  const { group, plural: resource } = kind
  for (const { key } of parts.store.list({ group, resource }).objects.filter(waitsForNames)) {
    const target: Target = { kind, namespace: '', name: key.name, subresource: 'status' }
    parts.store
      .write(
        key,
        (current, view) =>
          current
            ? decideUpdate(
                parts,
                parts.rulesOf(kind),
                target,
                { next: parseStored, guarded: false, track: trackWrite(target, context) },
                current,
                view,
                context,
              )
            : { type: 'unchanged' },
        { actor: context.user.name, requestId: context.requestId },
      )
      .catch(() => {})
  }
}

const context: RequestContext = {
  user: { name: 'system:apiserver', groups: ['system:masters'] },
  requestId: 'names',
  fieldManager: 'millrace-apiserver',
  namesFieldManager: false,
  dryRun: false,
  fieldValidation: 'Ignore',
  warn: () => {},
}
