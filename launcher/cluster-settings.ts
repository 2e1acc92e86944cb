import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import type { ClusterDirectory } from './cluster-directory.js'
import type { ClusterRecord } from './cluster-record.js'
import { findFreePort, isPortFree } from './free-port.js'
import { LaunchError } from './launch-error.js'
import type { ProgramName } from './programs.js'

/** What the command line asks for; undefined is: as it was, or the default. */
export interface AskedSettings {
  readonly port: number | undefined
  readonly gatewayPort: number | undefined
  readonly sshPort: number | undefined
  readonly gatewayHost: string | undefined
  readonly backends: readonly string[] | undefined
  readonly hollowNodes: number | undefined
  readonly network: string | undefined
  readonly agentConfig: string | undefined
}

/** What is decided anew at each start, unless the cluster runs. */
export const startSettings = ['gatewayHost', 'backends', 'hollowNodes', 'network', 'agentConfig'] as const
export type ClusterSettings = Required<Pick<ClusterRecord, PortName | (typeof startSettings)[number]>>

/** Ports are given once, and are the cluster's from then on. */
const ports = {
  port: { flag: 'port', first: 6443, program: 'apiserver', does: 'The cluster in %s runs on' },
  gatewayPort: { flag: 'gateway-port', first: 6444, program: 'gateway', does: 'The gateway of the cluster in %s listens on' },
  sshPort: { flag: 'ssh-port', first: 2222, program: 'gateway', does: 'The gateway of the cluster in %s takes logins on' },
} as const satisfies Record<string, { flag: string; first: number; program: ProgramName; does: string }>
type PortName = keyof typeof ports

const networks = ['auto', 'bridge', 'none']
const knownBackends = ['process', 'docker', 'qemu']
/** Where the API server listens, and the gateway unless it was told otherwise. */
export const listenHost = '127.0.0.1'

/**
 * The settings of this start. The command line wins, then what the cluster was made with, then the defaults. `running` says which programs
 * already listen on the recorded ports.
 */
export async function settle(
  asked: AskedSettings,
  record: ClusterRecord | undefined,
  directory: ClusterDirectory,
  running: readonly ProgramName[],
  dockerAnswers: () => Promise<boolean>,
): Promise<ClusterSettings> {
  const unknown = asked.backends?.find((name) => !knownBackends.includes(name))
  if (unknown !== undefined) throw new LaunchError(`--backends: "${unknown}" is not known; there are ${knownBackends.join(', ')}.`)
  if (asked.backends?.length === 0)
    throw new LaunchError('--backends names no backend; use process, docker, qemu, or several as process,docker.')
  const backends = asked.backends ?? record?.backends ?? ((await dockerAnswers()) ? ['process', 'docker'] : ['process'])
  const hollowNodes = asked.hollowNodes ?? record?.hollowNodes ?? 0
  if (hollowNodes < 0) throw new LaunchError('--hollow-nodes is a count: 0 or more.')
  const network = asked.network ?? record?.network ?? 'auto'
  if (!networks.includes(network)) throw new LaunchError(`--network: "${network}" is not known; there are ${networks.join(', ')}.`)
  const gatewayHost = asked.gatewayHost ?? record?.gatewayHost ?? listenHost
  if (isIP(gatewayHost) === 0)
    throw new LaunchError(
      `--gateway-host takes an address of this machine, or 0.0.0.0 for all of them, not ${JSON.stringify(gatewayHost)}.`,
    )
  const agentConfig = asked.agentConfig ?? record?.agentConfig ?? ''
  if (agentConfig !== '' && !existsSync(agentConfig)) throw new LaunchError(`--agent-config: there is no file ${agentConfig}.`)
  const place = { record, directory, running, gatewayHost }
  const port = await settlePort('port', asked, place, [])
  const gatewayPort = await settlePort('gatewayPort', asked, place, [port])
  const sshPort = await settlePort('sshPort', asked, place, [port, gatewayPort])
  return { port, gatewayPort, sshPort, gatewayHost, backends, hollowNodes, network, agentConfig }
}

async function settlePort(
  name: PortName,
  { [name]: asked }: AskedSettings,
  {
    record,
    directory,
    running,
    gatewayHost,
  }: { record: ClusterRecord | undefined; directory: ClusterDirectory; running: readonly ProgramName[]; gatewayHost: string },
  except: readonly number[],
): Promise<number> {
  const { flag, first, program, does } = ports[name]
  const host = program === 'gateway' ? gatewayHost : listenHost
  const recorded = record?.[name]
  if (asked !== undefined && (asked < 1 || asked > 65_535)) throw new LaunchError(`--${flag} is a number from 1 to 65535.`)
  if (asked !== undefined && except.includes(asked))
    throw new LaunchError(`--${flag} ${asked}: another program of the cluster has this port.`)
  if (running.includes(program) && recorded !== undefined) {
    if (asked !== undefined && asked !== recorded)
      throw new LaunchError(
        `${does.replace('%s', directory.path)} port ${recorded}. To move it to port ${asked}, end it first: npm run down -- --data-dir ${directory.path}`,
      )
    return recorded
  }
  const port = asked ?? recorded
  if (port === undefined) return await findFreePort(first, host, flag, except)
  if (!except.includes(port) && (await isPortFree(port, host))) return port
  if (asked === undefined && record?.complete === false) return await findFreePort(first, host, flag, except)
  throw new LaunchError(
    `Port ${port} is taken by another program${asked === undefined ? `, and the cluster in ${directory.path} was made on it` : ''}. End that program, or choose another port with --${flag}.`,
  )
}
