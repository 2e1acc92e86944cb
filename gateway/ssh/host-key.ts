import { isAlreadyExists, isNotFound } from '../../lib/api/api-error.js'
import { Secret } from '../../lib/api/kinds/secret.js'
import type { Client } from '../../lib/client/client.js'
import type { SshLibrary } from './ssh-library.js'

/** By which clients know the cluster's gateways: all have the same one, for ever. */
export interface HostKey {
  /** As OpenSSH writes it. */
  readonly privateKey: string
  /** Type and key, as in authorized_keys and known_hosts. */
  readonly publicKey: string
}

const at = { namespace: 'kube-system', name: 'millrace-gateway-host-key' }

/** The host key is there, and cannot be used; says what to do. */
export class HostKeyError extends Error {
  override readonly name = 'HostKeyError'
}

/** Reads the host key of the cluster, and makes it when there is none. Of several gateways that make one at once, one is heard. */
export async function ensureHostKey(client: Client, { utils }: SshLibrary, signal: AbortSignal): Promise<HostKey> {
  const present = await read(client, signal)
  if (present) return present
  const made = utils.generateKeyPairSync('ed25519', { comment: 'millrace-gateway' })
  try {
    await client.of(Secret).create(
      {
        metadata: at,
        type: 'kubernetes.io/ssh-auth',
        stringData: { 'ssh-privatekey': made.private, 'ssh-publickey': made.public },
      },
      { signal },
    )
  } catch (error) {
    if (!isAlreadyExists(error)) throw error
  }
  const written = await read(client, signal)
  if (!written) throw new HostKeyError(`the Secret ${at.namespace}/${at.name} was made, and is gone again`)
  return written
}

async function read(client: Client, signal: AbortSignal): Promise<HostKey | undefined> {
  let secret: Secret
  try {
    secret = await client.of(Secret).get(at, { signal })
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
  const text = (key: string) => Buffer.from(secret.data?.[key] ?? '', 'base64').toString()
  const [type, base64] = text('ssh-publickey').trim().split(' ')
  const privateKey = text('ssh-privatekey')
  if (type !== 'ssh-ed25519' || !base64 || privateKey === '')
    throw new HostKeyError(
      `the Secret ${at.namespace}/${at.name} holds no ed25519 host key: put it back from a backup, or delete it and start the gateway again (clients will then see another host key)`,
    )
  return { privateKey, publicKey: `${type} ${base64}` }
}
