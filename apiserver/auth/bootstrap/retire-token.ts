import type { Logger } from '../../../lib/base/log.js'
import { toUnchangedDraft } from '../../registry/object-bytes.js'
import type { Decide, Store } from '../../storage/store.js'
import { joinTokenKey, parseJoinToken } from './join-token.js'

/**
 * Deletes the join token that a node's key was signed for, once the certificate is used: the answer has arrived, nobody needs to ask again.
 * For createAuthenticator's `onNodeConnected`.
 */
export function createTokenRetirement(options: {
  store: Pick<Store, 'list' | 'write'>
  log: Logger
}): (nodeName: string, key: string) => void {
  const { store, log } = options
  const { group, resource, namespace, name: prefix } = joinTokenKey('')

  /** Judged again in the store's turn: by then another token may lie under the name. */
  const decide =
    (key: string): Decide =>
    (current) =>
      current && parseJoinToken(current)?.boundKey === key ? { type: 'delete', draft: toUnchangedDraft(current) } : { type: 'unchanged' }

  return (nodeName, key) => {
    for (const secret of store.list({ group, resource, namespace }).objects) {
      if (!secret.key.name.startsWith(prefix) || parseJoinToken(secret)?.boundKey !== key) continue
      store
        .write(secret.key, decide(key), { actor: `system:node:${nodeName}`, requestId: 'join' })
        .catch((error: unknown) =>
          log.warn({ node: nodeName, secret: secret.key.name, error: String(error) }, 'the used join token could not be deleted'),
        )
    }
  }
}
