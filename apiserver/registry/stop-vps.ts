import { invalid, notSupported } from '../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../lib/api/define-kind.js'
import type { VpsSpec } from '../../lib/api/kinds/vps.js'
import type { Decision } from '../storage/store.js'
import { toDraft } from './object-bytes.js'
import type { RequestContext } from './registry.js'
import type { RegistryParts } from './registry-write.js'
import { arrange } from './server-metadata.js'

/**
 * What becomes of a Vps whose Pod is evicted or deleted: it is no longer to run, and keeps its node, disk and address. Throws Invalid for
 * less time than it was promised: a machine that people live in is never cut short.
 */
export function decideStop(
  parts: RegistryParts,
  kind: Kind,
  old: KubeObject,
  gracePeriodSeconds: number | undefined,
  context: RequestContext,
): Decision {
  const spec = old.spec as VpsSpec
  const { name } = old.metadata
  if (gracePeriodSeconds !== undefined && gracePeriodSeconds >= 0 && gracePeriodSeconds < spec.terminationGracePeriodSeconds)
    throw invalid({ group: kind.group, resource: kind.plural, kind: kind.kind, name }, [
      notSupported(
        'deleteOptions.gracePeriodSeconds',
        gracePeriodSeconds,
        `a Vps has the time that spec.terminationGracePeriodSeconds gives it: ${spec.terminationGracePeriodSeconds}`,
      ),
    ])
  if (!spec.running || old.metadata.deletionTimestamp) return { type: 'unchanged' }
  const rules = parts.rulesOf(kind)
  const metadata = arrange({ ...old.metadata, generation: (old.metadata.generation ?? 0) + 1 })
  const next: KubeObject = { ...old, metadata, spec: { ...spec, running: false } }
  rules.strategy.prepareUpdate?.(next, old, { user: context.user, nowMs: parts.clock.now(), subresource: '', guarded: false })
  return { type: 'put', draft: toDraft(rules, next) }
}
