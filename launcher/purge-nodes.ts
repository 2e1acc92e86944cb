import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import type { ClusterDirectory } from './cluster-directory.js'
import type { ClusterRecord } from './cluster-record.js'
import { type Commands, runToEnd } from './command.js'
import { dockerSocket } from './docker-socket.js'

/**
 * Removes what the cluster's agents, which have ended, left on the machine
 * outside of its directory: runs, volumes, secrets, control groups.
 */
export async function purgeNodes(
  directory: ClusterDirectory,
  commands: Commands,
  record: Pick<ClusterRecord, 'backends'> | undefined,
  say: (text: string) => void,
): Promise<void> {
  const folder = path.dirname(directory.node('any'))
  const nodes = existsSync(folder) ? readdirSync(folder) : []
  const socket = dockerSocket(commands.env)
  for (const node of nodes) {
    const backends = ['--backends', record?.backends.join(',') ?? 'process']
    const docker = socket === undefined ? [] : ['--docker-socket', socket]
    const args = ['--data-dir', directory.node(node), ...backends, ...docker, 'purge']
    const { code, stderr } = await runToEnd(commands, 'millrace-nodeagent', args, directory.path)
    if (code !== 0) say(`What node ${node} left on this machine could not all be removed; docker ps shows its containers. ${stderr.trim()}`)
  }
}
