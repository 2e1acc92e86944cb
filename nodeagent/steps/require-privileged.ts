import { Namespace, securityLabel } from '../../lib/api/kinds/namespace.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import type { Client } from '../../lib/client/client.js'
import { StepError } from './step-error.js'

/** Rejects with a StepError where the object's namespace does not admit these powers, given in words. */
export async function requirePrivileged(
  { metadata }: { readonly metadata: ObjectMeta },
  powers: readonly string[],
  client: Client,
  signal: AbortSignal,
): Promise<void> {
  if (powers.length === 0) return
  const namespace = await client.of(Namespace).get({ name: metadata.namespace ?? 'default' }, { signal })
  if (namespace.metadata.labels?.[securityLabel] === 'privileged') return
  throw new StepError(
    'Refused',
    `the namespace ${namespace.metadata.name} does not admit ${powers.join(' and ')}; its label ${securityLabel}=privileged would`,
    false,
  )
}
