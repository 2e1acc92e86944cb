import { invalid, invalidValue } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import type { Vps } from '../../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../../lib/api/kinds/vps-snapshot.js'
import { nodeCleanupFinalizer } from '../../../lib/api/kinds/workload.js'
import type { ReadView } from '../../storage/store.js'
import type { Strategy } from './strategy.js'

/**
 * A snapshot lies where the disk is that it is of: it gets the node of its Vps, and the finalizer of that node's agent, when it is created.
 */
export const vpsSnapshotStrategy: Strategy = {
  prepareCreate(object) {
    object.status = { phase: 'Pending' }
  },

  settle(object, view) {
    const snapshot = object as unknown as VpsSnapshot
    if (snapshot.status?.vpsUid !== undefined) return
    const vps = findVps(snapshot, view)
    const { nodeName } = vps.spec
    if (!nodeName || (vps.status?.starts ?? 0) === 0)
      throw refused(snapshot, 'spec.vpsName', snapshot.spec.vpsName, 'it has no disk yet: it was never started')
    if (snapshot.spec.nodeName !== undefined && snapshot.spec.nodeName !== nodeName)
      throw refused(snapshot, 'spec.nodeName', snapshot.spec.nodeName, `the disk of the Vps is on node ${nodeName}; leave it out`)
    const { backend, image } = vps.spec
    Object.assign(object, {
      spec: { ...snapshot.spec, nodeName },
      status: { ...snapshot.status, vpsUid: vps.metadata.uid, backend, image },
    })
    object.metadata.finalizers = [...new Set([...(object.metadata.finalizers ?? []), nodeCleanupFinalizer])]
  },
}

function findVps(snapshot: VpsSnapshot, view: ReadView): Vps {
  const { vpsName } = snapshot.spec
  const stored = view.get({ group: 'millrace.dev', resource: 'vpses', namespace: snapshot.metadata.namespace ?? '', name: vpsName })
  if (!stored) throw refused(snapshot, 'spec.vpsName', vpsName, 'there is no such Vps in the namespace')
  return JSON.parse(stored.bytes.toString()) as Vps
}

const refused = ({ metadata: { name } }: Pick<KubeObject, 'metadata'>, field: string, value: string, why: string) =>
  invalid({ group: VpsSnapshot.group, resource: VpsSnapshot.plural, kind: VpsSnapshot.kind, name }, [invalidValue(field, value, why)])
