import type { ChannelLink } from '../stream/channel-link.js'
import { dialChannels, UpgradeRefused } from '../stream/dial-channels.js'
import { ConnectionError } from './client.js'
import { errorFromBody } from './send-request.js'
import type { Transport } from './transport.js'

/** Opens an exec, attach or port-forward. Rejects with ApiError where the server refuses, with ConnectionError where none answers. */
export async function openChannels(
  transport: Transport,
  path: string,
  { timeoutMs, signal }: { timeoutMs: number; signal?: AbortSignal | undefined },
): Promise<ChannelLink> {
  const { server, headers, tls } = transport.connectionOptions()
  const url = server.replace(/^http/, 'ws') + path
  try {
    return await dialChannels({ url, headers, tls, timeoutMs, signal })
  } catch (error) {
    if (error instanceof UpgradeRefused) throw errorFromBody(error.body, error.status)
    if (signal?.aborted) throw error
    throw new ConnectionError(`no answer from ${server}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
