import path from 'node:path'
import { systemClock } from '../../lib/base/clock.js'
import type { Client } from '../../lib/client/client.js'
import type { ClientConfig, Impersonation } from '../../lib/client/client-config.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import type { GlobalFlags } from '../cli/cli.js'
import { UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import { Discovery } from './discovery.js'
import { createDiscoveryFile } from './discovery-file.js'

/** The cluster that commands talk to. */
export interface Cluster {
  readonly client: Client
  /** Where it is, and who asks. */
  readonly config: ClientConfig
  /** Where namespaced objects are that name no namespace: `-n`, else the context's. */
  readonly namespace: string
  readonly discovery: Discovery
}

/** What kubectl-lite calls itself: the field manager of what it writes. */
export const clientName = 'kubectl-lite'

function impersonationOf({ as: user, asGroup: groups, asUid: uid }: GlobalFlags): Impersonation | undefined {
  if (user !== undefined) return { user, groups, uid }
  if (groups !== undefined || uid !== undefined) throw new UsageError('--as-group and --as-uid go with --as')
  return undefined
}

/** Reads the kubeconfig. Sends nothing. Throws KubeconfigError. */
export async function openCluster(flags: GlobalFlags, io: Io): Promise<Cluster> {
  const { config } = await loadKubeconfig({
    env: io.env,
    home: io.home,
    kubeconfig: flags.kubeconfig === undefined ? undefined : path.resolve(io.cwd, flags.kubeconfig),
    context: flags.context,
    namespace: flags.namespace,
    impersonate: impersonationOf(flags),
  })
  const client = createClient(config, { userAgent: clientName, renewToken: false, onWarning: (text) => io.err(`Warning: ${text}\n`) })
  const cacheFolder = path.join(io.env.XDG_CACHE_HOME || path.join(io.home, '.cache'), 'millrace')
  const identity = [config.server, JSON.stringify(config.ca ?? null)].join('\n')
  return {
    client,
    config,
    namespace: config.namespace ?? 'default',
    discovery: new Discovery(client, createDiscoveryFile(cacheFolder, identity, systemClock.now)),
  }
}
