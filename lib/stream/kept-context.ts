import { createSecureContext, type SecureContext } from 'node:tls'
import type { UpgradeRequest } from './request-upgrade.js'

type Files = UpgradeRequest['tls']

/** Makes what TLS is spoken with out of PEM, and keeps the last: reading it costs more than a handshake. */
export function keptContext(): (files: Files) => SecureContext {
  let last: { readonly files: Files; readonly context: SecureContext } | undefined
  return (files) => {
    if (!last || last.files.ca !== files.ca || last.files.cert !== files.cert || last.files.key !== files.key)
      last = { files, context: createSecureContext(files) }
    return last.context
  }
}
