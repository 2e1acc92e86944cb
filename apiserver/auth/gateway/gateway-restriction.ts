/**
 * What a gateway's write may change. Its role says which kinds it writes; this judges the change itself, as node-restriction.ts does for
 * nodes: a gateway faces strangers, and whoever got hold of one is not to have the status of every Vps with it.
 */
import { forbiddenField, type StatusCause } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { Event } from '../../../lib/api/kinds/event.js'
import { Tunnel } from '../../../lib/api/kinds/tunnel.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { managedFieldsOf } from '../../../lib/api/managed-fields/managed-entry.js'
import type { UserInfo } from '../user.js'

export interface GatewayWrite {
  readonly user: UserInfo
  readonly kind: Pick<Kind, 'group' | 'plural'>
  readonly old: KubeObject | undefined
  readonly next: KubeObject | undefined
}

const gatewayUser = 'system:gateway'
/** How people log in. */
const ownStatus = ['sshCommand', 'sshHostKey']

/** Why a write of a gateway is not allowed; nothing when it is, or when the user is no gateway. Pure. */
export function gatewayRestriction({ user, kind, old, next }: GatewayWrite): readonly StatusCause[] {
  if (user.name !== gatewayUser) return []
  if (kind.group === Event.group && kind.plural === Event.plural) return [old, next].flatMap((event) => (event ? restrictEvent(event) : []))
  const isVps = kind.group === Vps.group && kind.plural === Vps.plural
  const isTunnel = kind.group === Tunnel.group && kind.plural === Tunnel.plural
  if ((!isVps && !isTunnel) || !old || !next) return []
  return [
    ...(isVps ? restrictStatus(old, next) : []),
    ...(sameValue(applied(old), applied(next)) ? [] : [forbiddenField('metadata.managedFields', 'a gateway applies nothing')]),
  ]
}

function restrictStatus(old: KubeObject, next: KubeObject): StatusCause[] {
  const [before, after] = [old, next].map(({ status }) => (status ?? {}) as Record<string, unknown>) as [Status, Status]
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => !ownStatus.includes(key) && !sameValue(before[key], after[key]))
    .map((key) => forbiddenField(`status.${key}`, 'a gateway says how people log in, and nothing else'))
}

type Status = Readonly<Record<string, unknown>>

/** Events about what it lets people in to. */
function restrictEvent(event: KubeObject): StatusCause[] {
  const { apiVersion, kind } = (event.involvedObject ?? {}) as { apiVersion?: string; kind?: string }
  const isItsOwn = [Vps, Tunnel].some((own) => own.kind === kind && own.apiVersion === apiVersion)
  return isItsOwn ? [] : [forbiddenField('involvedObject', 'a gateway reports about Vpses and Tunnels alone')]
}

const applied = (object: KubeObject) => managedFieldsOf(object).filter(({ operation }) => operation === 'Apply')
