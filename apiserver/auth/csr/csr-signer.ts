/**
 * Signs the client certificates of nodes while their CertificateSigningRequest is created: the object that is stored has its certificate.
 * The one rule: a certificate names the node that may ask for it, which is the node itself, or the one that a join token stands for.
 *
 *     createRegistry({ …, preparations: csrPreparations({ pki, store, clock }) })
 */
import { forbidden, invalid } from '../../../lib/api/api-error.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { CertificateSigningRequest } from '../../../lib/api/kinds/certificate-signing-request.js'
import { ConfigMap } from '../../../lib/api/kinds/config-map.js'
import { Secret } from '../../../lib/api/kinds/secret.js'
import { type Clock, systemClock, timestamp } from '../../../lib/base/clock.js'
import type { RequestContext } from '../../registry/registry.js'
import type { Preparation } from '../../registry/registry-write.js'
import { createResourceRules } from '../../registry/resource-rules.js'
import type { Store } from '../../storage/store.js'
import { decideTokenUse } from '../bootstrap/bind-token.js'
import { joinTokenIdOf, joinTokenKey } from '../bootstrap/join-token.js'
import { clockSkewMs } from '../pki/certificate-facts.js'
import type { Pki } from '../pki/ensure-pki.js'
import { keyHash } from '../pki/key-hash.js'
import { actorOf, nodeNameOf, nodesGroup } from '../user.js'
import { type NodeRequest, readNodeRequest } from './node-request.js'
import { decideReservation, reservationKey } from './reserve-name.js'

export interface CsrSignerOptions {
  readonly pki: Pki
  readonly store: Pick<Store, 'write'>
  /** Of the cluster: judges when tokens expire. */
  readonly clock: Clock
  /** Of certificates, which every TLS handshake judges by the machine's own time. */
  readonly certificateClock?: Clock
}

/** For createRegistry's `preparations`. */
export function csrPreparations(options: CsrSignerOptions): Readonly<Record<string, Preparation>> {
  return { [`${CertificateSigningRequest.group}/${CertificateSigningRequest.plural}`]: createCsrSigner(options) }
}

function createCsrSigner(options: CsrSignerOptions): Preparation {
  const { pki, store, clock, certificateClock = systemClock } = options
  const configMapRules = createResourceRules(ConfigMap as unknown as Kind)
  const secretRules = createResourceRules(Secret as unknown as Kind)

  async function assertMayAsk({ nodeName, publicKey }: NodeRequest, { user, requestId }: RequestContext): Promise<void> {
    if (nodeNameOf(user) === nodeName) return
    const tokenId = joinTokenIdOf(user)
    if (tokenId === undefined) throw refusal(`only node "${nodeName}" itself, or a machine with a join token, may ask for its certificate`)
    const key = keyHash(publicKey)
    const use = { tokenId, nodeName, key, nowMs: clock.now(), certificateNowMs: certificateClock.now() }
    const decide = decideTokenUse(secretRules, use)
    await store.write(joinTokenKey(tokenId), decide, { actor: user.name, requestId })
  }

  return async (object, context) => {
    const request = await readNodeRequest((object as unknown as CertificateSigningRequest).spec)
    if ('causes' in request) throw invalid({ ...subject, kind: CertificateSigningRequest.kind, name: object.metadata.name }, request.causes)
    await assertMayAsk(request, context)
    const nowMs = certificateClock.now()
    const { nodeName, publicKey, lifeMs } = request
    const reservation = decideReservation(configMapRules, { nodeName, key: keyHash(publicKey), notAfterMs: nowMs + lifeMs, nowMs })
    await store.write(reservationKey(nodeName), reservation, { actor: actorOf(context.user), requestId: context.requestId })
    const certificate = await pki.authority.issue({
      publicKey,
      commonName: `system:node:${nodeName}`,
      organizations: [nodesGroup],
      usage: 'client',
      notBefore: new Date(nowMs - clockSkewMs),
      notAfter: new Date(nowMs + lifeMs),
    })
    return approved(object, certificate, context, clock.now())
  }
}

function approved(object: KubeObject, certificate: string, { user }: RequestContext, nowMs: number): KubeObject {
  const condition = {
    type: 'Approved',
    status: 'True',
    reason: joinTokenIdOf(user) === undefined ? 'RenewedByNode' : 'JoinedByToken',
    message: 'signed when it was created',
    lastTransitionTime: timestamp(nowMs),
  }
  return { ...object, status: { certificate: Buffer.from(certificate).toString('base64'), conditions: [condition] } }
}

const subject = { group: CertificateSigningRequest.group, resource: CertificateSigningRequest.plural }
const refusal = (why: string) => forbidden(subject, why)
