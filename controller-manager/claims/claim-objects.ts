/**
 * Which objects belong to an owner with a selector: a ReplicaSet's Tasks, a Deployment's ReplicaSets. One rule: nothing is taken from
 * another owner, and nothing is adopted before the API has said that the owner is still there.
 */
import type { Kind, KubeObject, Resource } from '../../lib/api/define-kind.js'
import type { ReconcileContext } from '../../lib/controller/index.js'
import { controllerReference } from '../../lib/controller/owner-reference.js'
import { type Claimant, decideClaims } from './decide-claims.js'

/** Adopts and releases what is due, and resolves with all that the owner has then. */
export async function claimObjects<OwnerKind extends Kind, K extends Kind>(
  ownerKind: OwnerKind,
  owner: Claimant,
  kind: K,
  candidates: readonly Resource<K>[],
  ctx: Pick<ReconcileContext<OwnerKind>, 'client' | 'commit'>,
): Promise<Resource<K>[]> {
  const claims = decideClaims(owner, candidates as unknown as KubeObject[])
  const write = async (object: KubeObject, ownerReferences: KubeObject['metadata']['ownerReferences']) => {
    const after = { ...object, metadata: { ...object.metadata, ownerReferences } }
    return (await ctx.commit(kind, object as unknown as Resource<K>, after as unknown as Resource<K>)) as unknown as KubeObject
  }
  for (const object of claims.release) {
    const others = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid)
    await write(object, others?.length ? others : undefined)
  }
  const own = [...claims.own]
  if (claims.adopt.length > 0 && (await isStillThere(ownerKind, owner, ctx))) {
    for (const object of claims.adopt) {
      const others = object.metadata.ownerReferences?.filter(({ uid }) => uid !== owner.metadata.uid) ?? []
      own.push(await write(object, [...others, controllerReference(owner)]))
    }
  }
  return own as unknown as Resource<K>[]
}

async function isStillThere(kind: Kind, { metadata }: Claimant, { client }: Pick<ReconcileContext<Kind>, 'client'>): Promise<boolean> {
  const { namespace, name, uid } = metadata
  const live = (await client.of(kind).get({ namespace, name })) as unknown as KubeObject
  return live.metadata.uid === uid && !live.metadata.deletionTimestamp
}
