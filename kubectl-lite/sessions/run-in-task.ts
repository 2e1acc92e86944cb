import type { Cluster } from '../cluster/cluster.js'
import { awaitAgent } from './await-agent.js'
import { carry, type NearEnd } from './carry.js'
import { sessionPath, type TaskAddress } from './find-task.js'
import { orNameVps } from './or-name-vps.js'

/** Runs a command inside of a Task, and resolves with its exit code. */
export async function runInTask(
  cluster: Cluster,
  address: TaskAddress,
  command: readonly string[],
  near: NearEnd,
  signal: AbortSignal,
): Promise<number> {
  const query = new URLSearchParams({
    stdin: String(near.input !== undefined),
    stdout: 'true',
    stderr: String(near.terminal === undefined),
    tty: String(near.terminal !== undefined),
  })
  for (const word of command) query.append('command', word)
  const path = await sessionPath(cluster, address, 'exec', query)
  const link = awaitAgent(() => cluster.client.channels(path, signal), signal)
  return carry(await orNameVps(cluster, address, link), near)
}
