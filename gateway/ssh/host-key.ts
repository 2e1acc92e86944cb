import { isConflict, isNotFound } from '../../lib/api/api-error.js'
import { gatewayHostKey } from '../../lib/api/gateway-host-key.js'
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

/** The host key is there, and cannot be used; says what to do. */
export class HostKeyError extends Error {
  override readonly name = 'HostKeyError'
}

/** Reads the host key of the cluster, and makes it when there is none. Of several gateways that make one at once, one is heard. */
export async function ensureHostKey(client: Client, { utils }: SshLibrary, signal: AbortSignal): Promise<HostKey> {
  const secrets = client.of(Secret)
  const found = await readSecret(client, signal)
  if (Object.keys(found.data ?? {}).length > 0) return parse(found)
  const made = makeKey(utils)
  const stringData = { 'ssh-privatekey': made.private, 'ssh-publickey': made.public }
  try {
    return parse(await secrets.update({ ...found, stringData }, { signal }))
  } catch (error) {
    if (!isConflict(error)) throw error
    return parse(await readSecret(client, signal))
  }
}

async function readSecret(client: Client, signal: AbortSignal): Promise<Secret> {
  try {
    return await client.of(Secret).get(gatewayHostKey, { signal })
  } catch (error) {
    if (isNotFound(error))
      throw new HostKeyError(
        `there is no Secret ${printed}, which the API server makes when it starts: put it back from a backup, or restart that`,
      )
    throw error
  }
}

function parse({ data }: Secret): HostKey {
  const text = (key: string) => Buffer.from(data?.[key] ?? '', 'base64').toString()
  const [type, base64] = text('ssh-publickey').trim().split(' ')
  const privateKey = text('ssh-privatekey')
  if (type !== 'ssh-ed25519' || !base64 || privateKey === '')
    throw new HostKeyError(
      `the Secret ${printed} holds no ed25519 host key: put it back from a backup, or empty its data and start the gateway again (clients will then see another host key)`,
    )
  return { privateKey, publicKey: `${type} ${base64}` }
}

/** One in some hundred that the library makes it cannot read itself. */
function makeKey(utils: SshLibrary['utils']): { readonly private: string; readonly public: string } {
  for (;;) {
    const made = utils.generateKeyPairSync('ed25519', { comment: 'millrace-gateway' })
    if (!(utils.parseKey(made.private) instanceof Error)) return made
  }
}

const printed = `${gatewayHostKey.namespace}/${gatewayHostKey.name}`
