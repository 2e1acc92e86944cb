import { forbidden } from '../../../lib/api/api-error.js'
import { Node } from '../../../lib/api/kinds/node.js'
import { Secret } from '../../../lib/api/kinds/secret.js'
import { parseStored, toDraft } from '../../registry/object-bytes.js'
import type { ResourceRules } from '../../registry/resource-rules.js'
import { arrange } from '../../registry/server-metadata.js'
import type { Decide, ReadView, StoredObject } from '../../storage/store.js'
import { isHeldByOther } from '../csr/reserve-name.js'
import { type JoinToken, joinTokenKey, parseJoinToken } from './join-token.js'

/** What a join token shall be used for. */
export interface TokenUse {
  readonly tokenId: string
  readonly nodeName: string
  /** See keyHash. */
  readonly key: string
  readonly nowMs: number
  /** The time by which certificates are judged. */
  readonly certificateNowMs: number
}

/**
 * Decides whether a join token may be used for a key and a name, and writes both into its Secret: from then on
 * it is good for that one key, which may ask again when an answer was lost. In the store's turn, so two
 * machines that use one token, or ask for one name, cannot both win.
 */
export function decideTokenUse(secretRules: ResourceRules, use: TokenUse): Decide {
  return (current, view) => {
    const token = current && parseJoinToken(current)
    if (!current || !token || use.nowMs >= token.expiresAtMs) throw refusal('the join token is gone or has expired; make a new one')
    if (token.boundKey !== undefined) {
      if (token.boundKey === use.key && token.boundNode === use.nodeName) return { type: 'unchanged' }
      throw refusal('the join token has been used; make a new one for each machine')
    }
    if (token.nodeName !== undefined && token.nodeName !== use.nodeName)
      throw refusal(`the join token is for the node "${token.nodeName}" alone`)
    if (token.nodeName === undefined && isTaken(use, view))
      throw refusal(
        `there is a node "${use.nodeName}" already. To let another machine take its name, make a join token for that name; else choose another name`,
      )
    const secret = parseStored(current)
    const data = { ...(secret.data as Record<string, string>), 'bound-key': base64(use.key), 'bound-node': base64(use.nodeName) }
    return { type: 'put', draft: toDraft(secretRules, { ...secret, metadata: arrange(secret.metadata), data }) }
  }
}

/** A name belongs to whoever registered it, holds a certificate for it, or is just about to. */
function isTaken({ nodeName, tokenId, key, certificateNowMs }: TokenUse, view: ReadView): boolean {
  if (view.get({ group: Node.group, resource: Node.plural, namespace: '', name: nodeName })) return true
  if (isHeldByOther(view, nodeName, key, certificateNowMs)) return true
  for (const token of tokensIn(view.scan(Secret.group, Secret.plural, joinTokenKey('').namespace)))
    if (token.id !== tokenId && token.boundNode === nodeName) return true
  return false
}

function* tokensIn(secrets: Iterable<StoredObject>): Generator<JoinToken> {
  const prefix = joinTokenKey('').name
  for (const secret of secrets) {
    const token = secret.key.name.startsWith(prefix) ? parseJoinToken(secret) : undefined
    if (token) yield token
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const refusal = (why: string) => forbidden({ group: 'certificates.k8s.io', resource: 'certificatesigningrequests' }, why)
