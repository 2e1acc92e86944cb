import { invalid, invalidValue } from '../../lib/api/api-error.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { Vps, type VpsSpec } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import type { Admit } from './admit.js'

/**
 * A container's disk is none for a virtual machine, nor the other way about: said before the machine is
 * stopped for it. A snapshot that is not there yet is waited for.
 */
export const admitRestoreSource: Admit = ({ kind, subresource, namespace, name, object, old, view }) => {
  if (kind.plural !== Vps.plural || kind.group !== Vps.group || subresource !== '' || !object) return
  const { backend, restoreFrom } = object.spec as VpsSpec
  if (!restoreFrom || sameValue(restoreFrom, (old?.spec as VpsSpec | undefined)?.restoreFrom)) return
  const stored = view.get({ group: VpsSnapshot.group, resource: VpsSnapshot.plural, namespace, name: restoreFrom.name })
  const { status } = stored ? (JSON.parse(stored.bytes.toString()) as VpsSnapshot) : {}
  if (status?.backend === undefined || status.backend === backend) return
  throw invalid({ group: Vps.group, resource: Vps.plural, kind: Vps.kind, name }, [
    invalidValue('spec.restoreFrom.name', restoreFrom.name, `is of a Vps with backend ${status.backend}, not ${backend}`),
  ])
}
