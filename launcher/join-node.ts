import { existsSync, rmSync } from 'node:fs'
import type { Kubeconfig } from '../lib/client/kubeconfig/kubeconfig.js'
import { changeKubeconfig } from '../lib/client/kubeconfig/write-kubeconfig.js'
import type { ClusterDirectory } from './cluster-directory.js'
import { listenHost } from './cluster-settings.js'
import type { Commands, Finished } from './command.js'
import { dockerSocket } from './docker-socket.js'
import { LaunchError } from './launch-error.js'
import { readProgram } from './program-record.js'
import { startProgram } from './program-start.js'
import { joinTokenFile, type ProgramSettings, programArgs } from './programs.js'
import { sleepAwake } from './ready.js'

const readyWithinMs = 60_000

export interface JoinOptions {
  readonly directory: ClusterDirectory
  readonly commands: Commands
  readonly record: ProgramSettings
  kubectl(args: readonly string[]): Promise<Finished>
}

/** Starts the node's agent, with a join token when it has no certificate yet, and waits until it beats and its Node is Ready. */
export async function joinNode({ directory, commands, record, kubectl }: JoinOptions): Promise<void> {
  const tokenFile = joinTokenFile(directory)
  const ownKubeconfig = `${directory.node(record.nodeName)}/kubeconfig`
  const wasRunning = readProgram(directory, 'nodeagent') !== undefined
  if (!wasRunning && existsSync(ownKubeconfig))
    await changeKubeconfig(ownKubeconfig, (file) => atServer(file, `https://${listenHost}:${record.port}`))
  if (!wasRunning && !existsSync(ownKubeconfig)) {
    rmSync(tokenFile, { force: true })
    const { code, stderr } = await kubectl(['join-token', '--node-name', record.nodeName, '--ttl', '10m', '--to-file', tokenFile])
    if (code !== 0) throw new LaunchError(`No join token could be made for the node: ${stderr.trim()}`)
  }
  const beat = async () =>
    (await kubectl(['get', 'lease', record.nodeName, '-n', 'kube-node-lease', '-o', 'jsonpath={.spec.renewTime}'])).stdout
  // A Node may still be Ready from the last time: only a new beat says that this agent is there.
  const lastBeat = wasRunning ? undefined : await beat()
  const agent = await startProgram(
    directory,
    commands,
    'nodeagent',
    programArgs('nodeagent', directory, record, dockerSocket(commands.env)),
  )
  const untilMs = performance.now() + readyWithinMs
  for (;;) {
    agent.assertRunning()
    const { code, stderr } = await kubectl(['wait', `node/${record.nodeName}`, '--for=condition=Ready', '--timeout=2s'])
    if (code === 0 && (await beat()) !== lastBeat) break
    if (performance.now() > untilMs)
      throw new LaunchError(
        `The node ${record.nodeName} is not Ready after ${readyWithinMs / 1000} s: ${stderr.trim() || 'its agent does not beat'}\n(the agent's log is ${directory.log('nodeagent')})`,
      )
    await sleepAwake(100)
  }
  rmSync(tokenFile, { force: true })
}

/** The cluster may have been moved to another port since the node joined. */
function atServer(file: Kubeconfig, server: string): Kubeconfig {
  return { ...file, clusters: (file.clusters ?? []).map(({ name, cluster }) => ({ name, cluster: { ...cluster, server } })) }
}
