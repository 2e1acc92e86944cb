/**
 * Makes the key of each Vps whose `spec.ssh.mode` is generate, once: the private half lies in a Secret that the
 * Vps owns, the public half in `status.sshPublicKey`, where gateways read it. One rule: the Secret is first, so
 * that a key that somebody is let in with is never one that is lost.
 */
import type { Secret as SecretObject } from '../../lib/api/kinds/secret.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import { controller } from '../../lib/controller/controller.js'
import { controllerOf, controllerReference } from '../../lib/controller/owner-reference.js'
import { makeKey, publicKeyOf } from './openssh-key.js'

/** Secrets are read when they are needed, and none is kept in memory; so one that was deleted or mended is found by looking again. */
const lookAgain = { requeueAfter: '10m' } as const
const lookAgainSoon = { requeueAfter: '30s' } as const

export const vpsKey = controller({
  name: 'vps-key',
  for: Vps,
  rights: [{ apiGroups: [''], resources: ['secrets'], verbs: ['get', 'create'] }],
  async reconcile(vps, ctx) {
    const { ssh } = vps.spec
    const { namespace = '', name } = vps.metadata
    if (ssh.mode !== 'generate') {
      vps.status.sshPublicKey = undefined
      if (vps.status.conditions?.some(({ type }) => type === 'KeyReady'))
        vps.status.conditions = vps.status.conditions.filter(({ type }) => type !== 'KeyReady')
      return undefined
    }
    const at = { namespace, name: ssh.secretName ?? `${name}-ssh` }
    const existing = await ctx.get(Secret, at)
    const found = existing && keyIn(existing, vps.metadata)
    if (found && 'refusal' in found) {
      vps.status.sshPublicKey = undefined
      ctx.condition('KeyReady', false, 'SecretNotUsable', `${found.refusal}: name another in spec.ssh.secretName, or delete it`)
      return lookAgainSoon
    }
    vps.status.sshPublicKey = found?.publicKey ?? (await storeNewKey())
    ctx.condition('KeyReady', true, 'KeyStored', `the private key is in Secret ${at.name}`)
    return lookAgain

    async function storeNewKey(): Promise<string> {
      const comment = `${name}.${namespace}`
      const { privateKey, publicKey } = makeKey(comment)
      await ctx.client.of(Secret).create({
        metadata: { ...at, ownerReferences: [controllerReference(vps)] },
        type: 'kubernetes.io/ssh-auth',
        data: { 'ssh-privatekey': encode(privateKey), 'ssh-publickey': encode(`${publicKey} ${comment}\n`) },
      })
      ctx.event('Normal', 'KeyMade', `made an SSH key; its private half is in Secret ${at.name}`)
      return publicKey
    }
  },
})

const encode = (value: string) => Buffer.from(value).toString('base64')

/** The public half of the key that a Secret holds for this Vps; or why it holds none. Pure. */
function keyIn(
  { metadata, type, data = {} }: SecretObject,
  vps: Pick<ObjectMeta, 'uid'>,
): { readonly publicKey: string } | { readonly refusal: string } {
  const owner = controllerOf({ metadata })
  if (owner && owner.uid !== vps.uid) return { refusal: `Secret ${metadata.name} belongs to ${owner.kind} ${owner.name}` }
  if (type !== 'kubernetes.io/ssh-auth') return { refusal: `Secret ${metadata.name} is of type ${type}, not kubernetes.io/ssh-auth` }
  const publicKey = publicKeyOf(Buffer.from(data['ssh-privatekey'] ?? '', 'base64').toString())
  return publicKey === undefined
    ? { refusal: `Secret ${metadata.name} has no private key in OpenSSH's format under ssh-privatekey` }
    : { publicKey }
}
