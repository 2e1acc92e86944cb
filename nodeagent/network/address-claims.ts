import { createHash } from 'node:crypto'
import { isAlreadyExists, isConflict, isForbidden, isInvalid, isNotFound } from '../../lib/api/api-error.js'
import { IPClaim } from '../../lib/api/kinds/ip-claim.js'
import type { Client } from '../../lib/client/client.js'
import { StepError } from '../steps/step-error.js'
import type { AddressHolder } from './node-network.js'

/** What a node's claims are made with. */
export interface ClaimContext {
  readonly client: Client
  readonly nodeName: string
}

const longestName = 200

/** The claim that this node makes for a workload: the same in every life of the agent, and another than another node's. */
export function claimNameOf({ kind, name, uid }: AddressHolder, nodeName: string): string {
  const mark = createHash('sha256').update(`${uid} ${nodeName}`).digest('hex').slice(0, 8)
  return `${kind.toLowerCase()}-${name.slice(0, longestName).replace(/[^a-z0-9]+$/, '')}-${mark}`
}

/** The address of the claim that is made for the holder, and goes with it. Idempotent. Rejects with a StepError where there is none. */
export async function makeClaim({ client, nodeName }: ClaimContext, holder: AddressHolder, signal: AbortSignal): Promise<string> {
  const { kind, name, namespace, uid } = holder
  const at = { namespace, name: claimNameOf(holder, nodeName) }
  const owner = { apiVersion: IPClaim.apiVersion, kind, name, uid }
  const spec = { nodeName, holder: { kind, name, uid } }
  try {
    return addressOf(await client.of(IPClaim).create({ metadata: { ...at, ownerReferences: [owner] }, spec }, { signal }))
  } catch (error) {
    if (isConflict(error) || isInvalid(error)) throw new StepError('AddressUnavailable', (error as Error).message, true, { cause: error })
    if (!isAlreadyExists(error)) throw error
  }
  const present = await client.of(IPClaim).get(at, { signal })
  if (present.spec.holder?.uid === uid) return addressOf(present)
  throw new StepError('AddressUnavailable', `the IPClaim ${at.name} is in the way: it is not this ${kind}'s; delete it`, true)
}

const triesToTake = 3

/** The address of a claim that people keep, which the holder takes, unless another has it. Idempotent. Rejects with a StepError. */
export async function takeClaim(
  { client, nodeName }: ClaimContext,
  holder: AddressHolder,
  claimName: string,
  signal: AbortSignal,
): Promise<string> {
  const { kind, name, namespace, uid } = holder
  const at = { namespace, name: claimName }
  for (let tries = 1; ; tries++) {
    const claim = await client
      .of(IPClaim)
      .get(at, { signal })
      .catch((error: unknown) => {
        if (!isNotFound(error) && !isForbidden(error)) throw error
      })
    if (!claim) throw new StepError('AddressUnavailable', `there is no IPClaim ${claimName} with an address of node ${nodeName}`, true)
    if (claim.spec.holder?.uid === uid) return addressOf(claim)
    try {
      const { resourceVersion } = claim.metadata
      const body = { metadata: { resourceVersion }, spec: { holder: { kind, name, uid } } }
      return addressOf(await client.of(IPClaim).mergePatch(at, body, { signal }))
    } catch (error) {
      const other = claim.spec.holder
      if (other && (isConflict(error) || isForbidden(error)))
        throw new StepError('AddressUnavailable', `waits for the IPClaim ${claimName}, which ${other.kind} ${other.name} holds`, true, {
          cause: error,
        })
      if (!isConflict(error) || tries >= triesToTake) throw error
    }
  }
}

/** Deletes what `makeClaim` made, and leaves what `takeClaim` took to others. Idempotent. */
export async function releaseClaims({ client, nodeName }: ClaimContext, holder: AddressHolder, signal: AbortSignal): Promise<void> {
  const { namespace } = holder
  const claims = client.of(IPClaim)
  await unlessGone(claims.delete({ namespace, name: claimNameOf(holder, nodeName) }, { signal }))
  // A Task names no claim.
  if (holder.kind === 'Task') return
  const { items } = await claims.list({ namespace, fieldSelector: `spec.nodeName=${nodeName}`, signal })
  for (const { metadata, spec } of items) {
    if (spec.holder?.uid !== holder.uid) continue
    const body = { metadata: { resourceVersion: metadata.resourceVersion }, spec: { holder: null } }
    await unlessGone(claims.mergePatch({ namespace, name: metadata.name }, body, { signal }))
  }
}

/** To a node, what is not there is as forbidden as what is not its own. */
async function unlessGone(request: Promise<unknown>): Promise<void> {
  try {
    await request
  } catch (error) {
    if (!isNotFound(error) && !isForbidden(error)) throw error
  }
}

function addressOf({ metadata, spec }: IPClaim): string {
  if (spec.address === undefined) throw new Error(`the IPClaim ${metadata.name} has no address`)
  return spec.address
}
