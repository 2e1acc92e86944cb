/**
 * A cluster of several nodes, every program a process of its own that the test starts, kills, stops and cuts off: the API server,
 * schedulers, controller-managers and real agents, with the process backend unless others are named. Agents join as a user lets them join:
 * with a token, into a directory of their own.
 */
import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import { Namespace, securityLabel } from '../../lib/api/kinds/namespace.js'
import type { Client } from '../../lib/client/client.js'
import { createClient } from '../../lib/client/create-client.js'
import { loadKubeconfig, readKubeconfigFile } from '../../lib/client/kubeconfig/load-kubeconfig.js'
import { writeKubeconfig } from '../../lib/client/kubeconfig/write-kubeconfig.js'
import { eventually } from '../../lib/testing/eventually.js'
import { startApiServer } from './api-server.js'
import { type FaultyLink, startFaultyLink } from './faulty-link.js'
import { freePort } from './free-port.js'
import type { Owner } from './owner.js'
import { type Program, startProgram } from './program.js'

export interface FleetOptions {
  readonly nodes: readonly string[]
  /** Default 1 of each. */
  readonly schedulers?: number
  readonly controllerManagers?: number
  /** What runs Tasks on every node. Default: process. */
  readonly backends?: readonly string[]
  /** Further flags of a node's agent. */
  readonly agentFlags?: (node: string) => readonly string[]
  /** Further environment of every agent. */
  readonly agentEnv?: Readonly<Record<string, string>>
}

/** A program, whichever process it is at the moment. */
export interface Member {
  readonly name: string
  readonly program: Program
  /** Between it and the API server; the API server itself has none. */
  readonly link: FaultyLink | undefined
  /** Starts it again after `program.stop`. */
  restart(): Promise<void>
}

export interface Fleet {
  readonly directory: string
  /** The administrator's. */
  readonly kubeconfig: string
  readonly port: number
  /** Speaks to the API server directly, through no link. */
  readonly client: Client
  readonly members: readonly Member[]
  member(name: string): Member
  /** Where an agent keeps its things. */
  nodeDirectory(name: string): string
  kubectl(...args: string[]): Promise<string>
}

const run = promisify(execFile)

export async function startFleet(
  owner: Owner,
  { nodes, schedulers = 1, controllerManagers = 1, backends = ['process'], agentFlags = () => [], agentEnv = {} }: FleetOptions,
): Promise<Fleet> {
  const directory = path.join(owner.directory, 'cluster')
  const port = await freePort()
  const server = await startApiServer(owner, { directory, port })
  const { kubeconfig } = server
  const client = createClient((await loadKubeconfig({ env: {}, home: directory, kubeconfig })).config)
  owner.defer(() => client.close())
  const kubectl = async (...args: string[]) => {
    const command = [path.join(owner.build, 'dist/kubectl-lite/main.js'), '--kubeconfig', kubeconfig, ...args]
    return (await run(process.execPath, command, { maxBuffer: 1 << 28 })).stdout
  }
  // Without root, processes have the agent's user, and the namespace must say that this is wanted.
  await client.of(Namespace).mergePatch({ name: 'default' }, { metadata: { labels: { [securityLabel]: 'privileged' } } })
  const members: Member[] = [memberOf('apiserver', server, undefined, () => startApiServer(owner, { directory, port }))]
  const linked = async (name: string, start: (port: number) => Promise<Program>) => {
    const link = await startFaultyLink(port)
    owner.defer(() => link.close())
    members.push(memberOf(name, await start(link.port), link, () => start(link.port)))
  }
  for (const [program, count] of [
    ['scheduler', schedulers],
    ['controller-manager', controllerManagers],
  ] as const)
    for (let number = 0; number < count; number++)
      await linked(`${program}-${number}`, async (linkPort) => {
        const own = path.join(directory, `${program}-${number}.kubeconfig`)
        await copyKubeconfig(path.join(directory, `${program}.kubeconfig`), own, linkPort)
        return startProgram(owner, `${program}/main.js`, ['--kubeconfig', own], path.join(directory, `${program}-${number}.log`))
      })
  const nodeDirectory = (name: string) => path.join(owner.directory, 'nodes', name)
  for (const name of nodes) {
    // Tasks outlive their agents, but not the test.
    const own = ['--backends', backends.join(), ...agentFlags(name)]
    const purge = ['--data-dir', nodeDirectory(name), ...own, 'purge']
    owner.defer(async () => void (await run(process.execPath, [path.join(owner.build, 'dist/nodeagent/main.js'), ...purge])))
    await linked(name, async (linkPort) => {
      const data = nodeDirectory(name)
      mkdirSync(data, { recursive: true, mode: 0o700 })
      const token = path.join(data, 'join-token')
      if (!existsSync(path.join(data, 'kubeconfig'))) {
        rmSync(token, { force: true })
        await kubectl('join-token', '--node-name', name, '--to-file', token)
      }
      const where = [
        '--data-dir',
        data,
        '--server',
        `https://127.0.0.1:${linkPort}`,
        '--ca-file',
        path.join(directory, 'apiserver/pki/ca.crt'),
      ]
      const args = ['--node-name', name, ...where, '--join-token-file', token, ...own]
      return startProgram(owner, 'nodeagent/main.js', args, path.join(owner.directory, `${name}.log`), { ...process.env, ...agentEnv })
    })
  }
  const fleet: Fleet = {
    directory,
    kubeconfig,
    port,
    client,
    members,
    nodeDirectory,
    kubectl,
    member(name) {
      const member = members.find((candidate) => candidate.name === name)
      if (!member) throw new Error(`there is no ${name}`)
      return member
    },
  }
  await eventually(() => kubectl('wait', 'node', ...nodes, '--for=condition=Ready', '--timeout=10s'), {
    timeoutMs: 60_000,
    intervalMs: 200,
  })
  return fleet
}

function memberOf(name: string, first: Program, link: FaultyLink | undefined, start: () => Promise<Program>): Member {
  let program = first
  return {
    name,
    link,
    get program() {
      return program
    },
    async restart() {
      program = await start()
    },
  }
}

/** The same credentials, for a server on another port. A server is ready a moment before it has written them. */
async function copyKubeconfig(from: string, to: string, port: number): Promise<void> {
  const file = await eventually(async () => (await readKubeconfigFile(from)) ?? false, { timeoutMs: 30_000 })
  const clusters = (file.clusters ?? []).map(({ name, cluster }) => ({
    name,
    cluster: { ...cluster, server: `https://127.0.0.1:${port}` },
  }))
  await writeKubeconfig(to, { ...file, clusters })
}
