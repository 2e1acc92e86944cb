import type { ClusterDirectory } from './cluster-directory.js'
import type { ClusterRecord } from './cluster-record.js'
import { findFreePort, isPortFree } from './free-port.js'
import { LaunchError } from './launch-error.js'

/** What the command line asks for; undefined is: as it was, or the default. */
export interface AskedSettings {
  readonly port: number | undefined
  readonly backends: readonly string[] | undefined
  readonly hollowNodes: number | undefined
}

export type ClusterSettings = Pick<ClusterRecord, 'port' | 'backends' | 'hollowNodes'>

const knownBackends = ['process', 'docker']
const defaultPort = 6443
export const listenHost = '127.0.0.1'

/**
 * The settings of this start. The command line wins, then what the cluster was made with, then the defaults. `running` says that the API
 * server already listens on the recorded port.
 */
export async function settle(
  asked: AskedSettings,
  record: ClusterRecord | undefined,
  directory: ClusterDirectory,
  running: boolean,
  dockerAnswers: () => Promise<boolean>,
): Promise<ClusterSettings> {
  const unknown = asked.backends?.find((name) => !knownBackends.includes(name))
  if (unknown !== undefined) throw new LaunchError(`--backends: "${unknown}" is not known; there are ${knownBackends.join(' and ')}.`)
  if (asked.backends?.length === 0) throw new LaunchError('--backends names no backend; use process, docker, or process,docker.')
  const backends = asked.backends ?? record?.backends ?? ((await dockerAnswers()) ? ['process', 'docker'] : ['process'])
  const hollowNodes = asked.hollowNodes ?? record?.hollowNodes ?? 0
  if (hollowNodes < 0) throw new LaunchError('--hollow-nodes is a count: 0 or more.')
  return { port: await settlePort(asked.port, record, directory, running), backends, hollowNodes }
}

async function settlePort(
  asked: number | undefined,
  record: ClusterRecord | undefined,
  directory: ClusterDirectory,
  running: boolean,
): Promise<number> {
  if (asked !== undefined && (asked < 1 || asked > 65_535)) throw new LaunchError('--port is a number from 1 to 65535.')
  if (running && record) {
    if (asked !== undefined && asked !== record.port)
      throw new LaunchError(
        `The cluster in ${directory.path} runs on port ${record.port}. To move it to port ${asked}, end it first: npm run down -- --data-dir ${directory.path}`,
      )
    return record.port
  }
  const port = asked ?? record?.port
  if (port === undefined) return await findFreePort(defaultPort, listenHost)
  if (await isPortFree(port, listenHost)) return port
  if (asked === undefined && record?.complete === false) return await findFreePort(defaultPort, listenHost)
  throw new LaunchError(
    `Port ${port} is taken by another program${asked === undefined ? `, and the cluster in ${directory.path} was made on it` : ''}. End that program, or choose another port with --port.`,
  )
}
