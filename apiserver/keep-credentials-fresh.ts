import { type Clock, systemClock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import { ensurePki, type Pki, type PkiOptions } from './auth/pki/ensure-pki.js'
import type { SigningKeys } from './auth/tokens/signing-keys.js'

export interface FreshCredentials {
  readonly pkiOptions: PkiOptions
  readonly tokenKeys: Pick<SigningKeys, 'rotate'>
  readonly log: Logger
  /** Called with the certificate that is to be shown from now on, whenever it is another one. */
  readonly useServing: (pki: Pki) => void
  /** Tells when to look. Default: the machine's. */
  readonly clock?: Clock
}

const lookEveryMs = 3_600_000

/**
 * Renews the serving certificate and the keys of tokens while the server runs: looks every hour whether they are due. Returns how to stop.
 */
export function keepCredentialsFresh({ pkiOptions, tokenKeys, log, useServing, clock = systemClock }: FreshCredentials): () => void {
  let shown: string | undefined
  const look = async () => {
    const pki = await ensurePki(pkiOptions)
    if (shown !== pki.serving.certificate) useServing(pki)
    shown = pki.serving.certificate
    await tokenKeys.rotate()
  }
  const step = async () => {
    try {
      await look()
    } catch (error) {
      log.warn({ error: String(error) }, 'certificates and keys could not be renewed; it is tried again')
    }
    if (!stopped) timer = clock.setTimer(lookEveryMs, step)
  }
  let stopped = false
  let timer = clock.setTimer(lookEveryMs, step)
  return () => {
    stopped = true
    timer.cancel()
  }
}
