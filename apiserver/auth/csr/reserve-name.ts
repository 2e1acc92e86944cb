import { randomUUID } from 'node:crypto'
import { ConfigMap } from '../../../lib/api/kinds/config-map.js'
import {
  goodCertificates,
  type NodeCertificates,
  nodeCertificatesLabel,
  nodeCertificatesNamespace,
} from '../../../lib/api/kinds/node-certificates.js'
import type { ObjectKey } from '../../../lib/api/object-key.js'
import { timestamp } from '../../../lib/base/clock.js'
import { parseStored, toDraft } from '../../registry/object-bytes.js'
import type { ResourceRules } from '../../registry/resource-rules.js'
import { arrange, newMetadata } from '../../registry/server-metadata.js'
import type { Decide, ReadView, StoredObject } from '../../storage/store.js'

/** Where it is written which keys hold certificates for a node's name. */
export function reservationKey(nodeName: string): ObjectKey {
  return { group: ConfigMap.group, resource: ConfigMap.plural, namespace: nodeCertificatesNamespace, name: nodeName }
}

/** Writes down that a key is about to get a certificate for the name. What has ended is left out. */
export function decideReservation(rules: ResourceRules, of: { nodeName: string; key: string; notAfterMs: number; nowMs: number }): Decide {
  const { nodeName, key, notAfterMs, nowMs } = of
  return (current) => {
    const held = certificatesIn(current)
    const data = { ...goodCertificates(held, nowMs), [key]: timestamp(Math.max(notAfterMs, Date.parse(held[key] ?? '') || 0)) }
    const labels = { [nodeCertificatesLabel]: 'true' }
    const present = current && parseStored(current)
    const metadata = present
      ? arrange({ ...present.metadata, labels: { ...present.metadata.labels, ...labels } })
      : newMetadata({ labels }, { uid: randomUUID(), nowMs, namespace: nodeCertificatesNamespace, name: nodeName })
    return { type: 'put', draft: toDraft(rules, { apiVersion: ConfigMap.apiVersion, kind: ConfigMap.kind, ...present, metadata, data }) }
  }
}

/** Whether a certificate of another key for the name is still good. */
export function isHeldByOther(view: Pick<ReadView, 'get'>, nodeName: string, key: string, nowMs: number): boolean {
  const held = goodCertificates(certificatesIn(view.get(reservationKey(nodeName))), nowMs)
  return Object.keys(held).some((other) => other !== key)
}

function certificatesIn(stored: StoredObject | undefined): NodeCertificates {
  if (stored?.facets.labels[nodeCertificatesLabel] === undefined) return {}
  return (parseStored(stored) as unknown as ConfigMap).data ?? {}
}
