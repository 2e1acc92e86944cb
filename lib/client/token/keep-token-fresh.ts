/**
 * Keeps a client's ServiceAccount token good for as long as the client lives: about half-way through its life it asks for the next one, for
 * the same account and the same time, and writes it to the kubeconfig that the first one came from. One rule: nothing here is urgent. A
 * failure is said once, and tried again minutes later; the old token is good meanwhile.
 */
import { ServiceAccount } from '../../api/kinds/service-account.js'
import { TokenRequest } from '../../api/kinds/token-request.js'
import { backoffDelayMs } from '../../base/backoff.js'
import { type Clock, sleep, timestamp } from '../../base/clock.js'
import type { RawRequest, RawResponse } from '../client.js'
import { readTokenAt, type TokenPlace, writeTokenAt } from '../kubeconfig/token-place.js'
import { resourcePath } from '../resource-path.js'
import { readTokenClaims, type TokenClaims } from './token-claims.js'

export interface KeepTokenOptions {
  readonly token: string
  /** Where it was read: the next one is written there. Another program's newer one is taken from there. */
  readonly place?: TokenPlace | undefined
  readonly send: (request: RawRequest) => Promise<RawResponse>
  /** Takes the next token. */
  readonly use: (token: string) => void
  readonly clock: Clock
  readonly warn: (text: string) => void
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number
}

/** A wall clock may be set, and timers stand still while a machine sleeps: the time is looked at this often, milliseconds. */
const lookMs = 600_000
const minPauseMs = 30_000

/** Works until the signal aborts. Does nothing for a token that is no ServiceAccount's, or never ends. */
export async function keepTokenFresh(options: KeepTokenOptions, signal: AbortSignal): Promise<void> {
  const { place, use, clock, warn, random = Math.random } = options
  let { token } = options
  let claims = readTokenClaims(token)
  let fromMs = claims?.issuedAtMs ?? 0
  let failures = 0
  let isFileTold = false
  while (claims && !signal.aborted) {
    const lifeMs = claims.expiresAtMs - claims.issuedAtMs
    try {
      if (failures === 0) await sleepUntil(clock, fromMs + lifeMs * (0.45 + 0.1 * random()), signal)
      const next = await nextToken(options, claims, signal)
      token = next.token
      use(token)
      failures = 0
      // The server's clock may be another: what it gave just now is new, whatever it says.
      fromMs = next.isNew ? clock.now() : next.claims.issuedAtMs
      if (next.isNew && place)
        await writeTokenAt(place, token).catch((error: Error) => {
          if (!isFileTold) warn(`the renewed token of ${nameOf(next.claims)} is used, but could not be kept: ${error.message}`)
          isFileTold = true
        })
      claims = next.claims
    } catch (error) {
      if (signal.aborted) return
      if (failures === 0) warn(sentence(claims, error))
      const maxMs = Math.max(minPauseMs, Math.min(lookMs, lifeMs / 10))
      const pauseMs = backoffDelayMs(failures++, { initialMs: minPauseMs, maxMs, jitter: 'none' }) * (0.75 + 0.5 * random())
      await sleep(clock, pauseMs, signal).catch(() => undefined)
    }
  }
}

async function sleepUntil(clock: Clock, atMs: number, signal: AbortSignal): Promise<void> {
  for (let leftMs = atMs - clock.now(); leftMs > 0; leftMs = atMs - clock.now()) await sleep(clock, Math.min(leftMs, lookMs), signal)
}

interface NextToken {
  readonly token: string
  readonly claims: TokenClaims
  /** Asked for here, not found in the file. */
  readonly isNew: boolean
}

/** What another program has put into the file, or else what the server gives. */
async function nextToken({ place, send }: KeepTokenOptions, claims: TokenClaims, signal: AbortSignal): Promise<NextToken> {
  // A file that cannot be read has none; that is no reason to let the token end.
  const found = place && (await readTokenAt(place).catch(() => undefined))
  const foundClaims = found ? readTokenClaims(found) : undefined
  if (found && foundClaims && isSameAccount(foundClaims, claims) && foundClaims.expiresAtMs > claims.expiresAtMs)
    return { token: found, claims: foundClaims, isNew: false }
  const token = await requestToken(send, claims, signal)
  const next = readTokenClaims(token)
  if (!next) throw new Error('the server gave no token that can be read')
  return { token, claims: next, isNew: true }
}

async function requestToken(send: KeepTokenOptions['send'], claims: TokenClaims, signal: AbortSignal): Promise<string> {
  const { namespace, name, bound, audiences, expiresAtMs, issuedAtMs } = claims
  const spec = { audiences, expirationSeconds: Math.round((expiresAtMs - issuedAtMs) / 1000), ...(bound ? { boundObjectRef: bound } : {}) }
  const body = { apiVersion: TokenRequest.apiVersion, kind: TokenRequest.kind, spec }
  const answer = await send({ method: 'POST', path: resourcePath(ServiceAccount, { namespace, name, subresource: 'token' }), body, signal })
  const { status } = JSON.parse(await answer.text()) as TokenRequest
  return status?.token ?? ''
}

const isSameAccount = (one: TokenClaims, other: TokenClaims) => one.namespace === other.namespace && one.name === other.name
const nameOf = ({ namespace, name }: TokenClaims) => `the ServiceAccount ${namespace}/${name}`

function sentence(claims: TokenClaims, error: unknown): string {
  const why = error instanceof Error ? error.message : String(error)
  return `the token of ${nameOf(claims)}, good until ${timestamp(claims.expiresAtMs)}, is not renewed: ${why} (it is tried again; the account needs the verb create on serviceaccounts/token, for its own name)`
}
