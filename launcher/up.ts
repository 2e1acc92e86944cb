/**
 * `up`: a one-machine cluster in the background. What this build started is left alone, what
 * another one started is started anew, what is missing is started.
 */
import { type ClusterDirectory, clusterDirectory, prepareDirectory, refuseForeignDirectory } from './cluster-directory.js'
import { type ClusterRecord, readRecord, recordFormat, writeRecord } from './cluster-record.js'
import { type AskedSettings, type ClusterSettings, listenHost, settle, startSettings } from './cluster-settings.js'
import { type Commands, runToEnd } from './command.js'
import { dockerAnswers } from './docker-socket.js'
import { joinNode } from './join-node.js'
import { LaunchError } from './launch-error.js'
import { lockDirectory } from './launcher-lock.js'
import { endProgram } from './program-end.js'
import { readProgram, removeProgram } from './program-record.js'
import { startProgram } from './program-start.js'
import { defaultNodeName, type ProgramSettings, programArgs, programs } from './programs.js'
import { waitForApiserver, waitForPort } from './ready.js'

export interface UpOptions extends AskedSettings {
  readonly directory: string
  readonly commands: Commands
  readonly version: string
  /** Whether this user is root: the process backend then gives each attempt a user of its own. */
  readonly isRoot: boolean
  say(text: string): void
}

export interface RunningCluster {
  readonly record: ClusterRecord
  readonly kubeconfig: string
  /** Whether all of it ran already. */
  readonly wasRunning: boolean
}

export async function up(options: UpOptions): Promise<RunningCluster> {
  const { commands, say } = options
  const directory = clusterDirectory(options.directory)
  const before = readRecord(directory)
  refuseForeignDirectory(directory, before !== undefined)
  prepareDirectory(directory)
  const unlock = lockDirectory(directory)
  try {
    await endOutdated(directory, options)
    const running = programs.filter((program) => readProgram(directory, program) !== undefined)
    const settings = await settle(options, before, directory, running, async () => await dockerAnswers(commands.env))
    if (running.length === programs.length) {
      refuseChange(before, settings, options.directory)
      say(`The cluster in ${directory.path} runs already, on port ${settings.port}.`)
    } else if (before?.complete === false) say('The last start did not go through; going on from where it stopped.')
    else if (running.length > 0) say(`Starting what is missing: ${programs.filter((program) => !running.includes(program)).join(', ')}.`)
    let record: ClusterRecord & ProgramSettings = {
      nodeName: defaultNodeName(),
      complete: false,
      ...before,
      ...settings,
      format: recordFormat,
      version: options.version,
    }
    writeRecord(directory, record)
    const apiserver = await startProgram(directory, commands, 'apiserver', programArgs('apiserver', directory, record))
    await waitForApiserver(directory, apiserver).catch((error: unknown) => {
      throw before?.complete === false && error instanceof LaunchError ? halfWritten(error, directory.path) : error
    })
    const kubectl = async (args: readonly string[]) =>
      await runToEnd(commands, 'kubectl-lite', ['--kubeconfig', directory.adminKubeconfig, ...args], directory.path)
    if (!record.complete) await labelDefaultNamespace(kubectl, record, options)
    for (const program of ['scheduler', 'controller-manager'] as const)
      await startProgram(directory, commands, program, programArgs(program, directory, record))
    const gateway = await startProgram(directory, commands, 'gateway', programArgs('gateway', directory, record))
    await joinNode({ directory, commands, record, kubectl })
    await waitForPort(record.gatewayPort, record.gatewayHost, directory, gateway)
    if (!record.complete) {
      record = { ...record, complete: true }
      writeRecord(directory, record)
    }
    return { record, kubeconfig: directory.adminKubeconfig, wasRunning: running.length === programs.length }
  } finally {
    unlock()
  }
}

/**
 * Ends what another build started, so that it is started anew like what is missing. Workloads go on meanwhile; the next agent adopts them.
 */
async function endOutdated(directory: ClusterDirectory, { commands, say }: UpOptions): Promise<void> {
  const outdated = programs
    .map((program) => readProgram(directory, program))
    .filter((record) => record !== undefined)
    .filter(({ build }) => build !== commands.build)
  if (outdated.length === 0) return
  say(`Another build started ${outdated.map(({ program }) => program).join(', ')}: starting anew with this one. Tasks go on meanwhile.`)
  for (const record of outdated.toReversed()) {
    await endProgram(record, { keepWorkloads: true, say })
    removeProgram(directory, record.program)
  }
}

const flagOf = {
  gatewayHost: '--gateway-host',
  backends: '--backends',
  hollowNodes: '--hollow-nodes',
  network: '--network',
  agentConfig: '--agent-config',
} as const satisfies Record<(typeof startSettings)[number], string>

function refuseChange(before: ClusterRecord | undefined, asked: ClusterSettings, directory: string): void {
  if (!before) return
  const runs = { network: 'auto', gatewayHost: listenHost, agentConfig: '', ...before }
  const other = startSettings.find((name) => String(runs[name]) !== String(asked[name]))
  if (other !== undefined)
    throw new LaunchError(
      `The cluster in ${directory} runs with ${flagOf[other]} ${String(runs[other]) || '(none)'}. End it first: npm run down -- --data-dir ${directory}`,
    )
}

function halfWritten(error: LaunchError, directory: string): LaunchError {
  return new LaunchError(
    `${error.message}\nThe first start of this cluster never went through, so nothing of yours is in it. Remove it, then start again:\n\n  npm run down -- --data-dir ${directory} --purge\n`,
    { cause: error },
  )
}

/** Without root a process Task has the user of its agent, which isolates nothing: the namespace must say that this is wanted. */
async function labelDefaultNamespace(
  kubectl: (args: readonly string[]) => Promise<{ code: number; stderr: string }>,
  record: ClusterRecord,
  { isRoot, say }: UpOptions,
): Promise<void> {
  if (isRoot || !record.backends.includes('process')) return
  const { code, stderr } = await kubectl(['label', 'namespace', 'default', 'millrace.dev/security=privileged', '--overwrite'])
  if (code !== 0) throw new LaunchError(`The default namespace could not be labelled: ${stderr.trim()}`)
  say(
    'Tasks on the process backend run as your own user and can reach what you can reach (run as root, each gets a user of its own).\n' +
      'The namespace "default" is labelled millrace.dev/security=privileged, which permits that; other namespaces do not.',
  )
}
