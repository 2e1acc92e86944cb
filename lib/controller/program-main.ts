/**
 * What the programs that follow the API have in common: flags, log, kubeconfig, leader election, health
 * endpoint, a graceful end. `main.ts` of such a program is one call:
 *
 *     const program = { program: 'millrace-scheduler', summary: '…', lease: 'millrace-scheduler', run: runScheduler }
 *     process.exitCode = await programMain(program, process)
 */
import { homedir, hostname } from 'node:os'
import { Registry } from 'prom-client'
import { DefinitionError } from '../api/custom-kinds/definition-of.js'
import { type Clock, systemClock } from '../base/clock.js'
import { type FlagDeclaration, FlagError, type FlagValue, parseFlags } from '../base/flags.js'
import { createLogger, type Logger, type LogLevel } from '../base/log.js'
import { shutdownSignal } from '../base/signals.js'
import type { Client } from '../client/client.js'
import { createClient } from '../client/create-client.js'
import { electLeader } from '../client/election/elect-leader.js'
import { KubeconfigError } from '../client/kubeconfig/kubeconfig.js'
import { loadKubeconfig } from '../client/kubeconfig/load-kubeconfig.js'
import { serveHealth } from './health-endpoint.js'

export interface ProgramContext {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  /** Told apart in Events when several run. */
  readonly identity: string
  readonly metrics: Registry
  /** What --namespace says. */
  readonly namespace: string | undefined
}

export interface Program<Settings = undefined> {
  /** As millrace-scheduler. */
  readonly program: string
  readonly summary: string
  /** The Lease that elects who works; the others stand by. Its namespace is kube-system unless `ofUser` is set. */
  readonly lease: string
  /**
   * A program of a user: it may be bound to one namespace (--namespace), and its Lease lies in that one, else in the kubeconfig's, so that
   * it needs no right in the namespace of the system. It says what it needs.
   */
  readonly ofUser?: UserProgram
  /** Flags of its own, by name, and what is made of them before anything else is done. `read` throws FlagError. */
  readonly settings?: {
    readonly flags: Readonly<Record<string, FlagDeclaration>>
    read(values: Readonly<Record<string, FlagValue | undefined>>): Settings
  }
  /** Works until the signal aborts. `settings`: what `settings.read` returned. */
  run(context: ProgramContext, signal: AbortSignal, settings: Settings): Promise<void>
}

/** What a program of a user says of itself, as YAML. */
export interface UserProgram {
  /** For --print-definitions. */
  printDefinitions(): Promise<string>
  /** For --print-rights: what --service-account and --namespace say. */
  printRights(account: string | undefined, namespace: string | undefined): Promise<string>
}

/** What of the process is used. */
export interface Invocation {
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent']

/** Resolves with the exit code: 0 after a graceful end, 1 after a failure, 2 for a wrong command line. */
export async function programMain<Settings = undefined>(program: Program<Settings>, invocation: Invocation): Promise<number> {
  try {
    const flags = readFlags(program, invocation.argv.slice(2))
    if (flags.help !== undefined) {
      invocation.stdout.write(flags.help)
      return 0
    }
    const printed = await printManifests(program, flags.values)
    if (printed !== undefined) {
      invocation.stdout.write(printed)
      return 0
    }
    // A program without settings is declared without them.
    const settings = program.settings?.read(flags.values) as Settings
    const log = createLogger({ program: program.program, level: flags.values['log-level'] as LogLevel })
    const { config } = await loadKubeconfig({ env: invocation.env, home: homedir(), kubeconfig: flags.values.kubeconfig })
    const client = createClient(config, { userAgent: program.program, onWarning: (text) => log.warn(text) })
    const leaseNamespace = program.ofUser ? (flags.values.namespace ?? config.namespace ?? 'default') : 'kube-system'
    await work(program, { ...flags.values, leaseNamespace }, client, log, settings, shutdownSignal())
    return 0
  } catch (error) {
    const known = error instanceof FlagError || error instanceof KubeconfigError || error instanceof DefinitionError
    invocation.stderr.write(
      `${program.program}: ${error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
    )
    return error instanceof FlagError ? 2 : 1
  }
}

function readFlags(
  { program, summary, ofUser, settings }: Pick<Program<unknown>, 'program' | 'summary' | 'ofUser' | 'settings'>,
  argv: readonly string[],
) {
  const flags = parseFlags(
    {
      program,
      summary,
      flags: {
        kubeconfig: {
          type: 'string',
          value: 'FILE',
          description: 'how to reach the API server, and as whom; default: KUBECONFIG, then ~/.kube/config',
        },
        'leader-elect': {
          type: 'boolean',
          default: true,
          description: 'work only while holding the Lease; --no-leader-elect always works',
        },
        'metrics-port': {
          type: 'integer',
          description: 'serve /healthz, /readyz and /metrics on this port of 127.0.0.1; default: not served',
        },
        'log-level': { type: 'string', value: 'LEVEL', default: 'info', description: logLevels.join(', ') },
        ...((ofUser ? userFlags : {}) as typeof userFlags),
        ...((settings?.flags ?? {}) as Record<never, FlagDeclaration>),
      },
    },
    argv,
  )
  const level = flags.help === undefined ? flags.values['log-level'] : 'info'
  if (!logLevels.includes(level)) throw new FlagError(`--log-level takes one of ${logLevels.join(', ')}, not ${JSON.stringify(level)}`)
  return flags
}

const userFlags = {
  namespace: { type: 'string', value: 'NS', description: 'look after this namespace alone; default: all' },
  'print-definitions': { type: 'boolean', description: 'print the CustomResourceDefinitions of the kinds that are not built in, and end' },
  'print-rights': { type: 'boolean', description: 'print the Roles that the program needs, and end' },
  'service-account': {
    type: 'string',
    value: 'NAMESPACE:NAME',
    description: 'with --print-rights: who gets them, and may renew its own token; default: the name of the program',
  },
} as const

/** What the program says of itself where that is asked for. */
async function printManifests(
  { ofUser }: Pick<Program, 'ofUser'>,
  values: ReturnType<typeof readFlags>['values'],
): Promise<string | undefined> {
  if (values['print-definitions']) return await ofUser?.printDefinitions()
  if (values['print-rights']) return await ofUser?.printRights(values['service-account'], values.namespace)
  return undefined
}

interface WorkFlags {
  readonly 'leader-elect': boolean
  readonly 'metrics-port': number | undefined
  readonly namespace?: string | undefined
  readonly leaseNamespace: string
}

async function work<Settings>(
  program: Program<Settings>,
  flags: WorkFlags,
  client: Client,
  log: Logger,
  settings: Settings,
  signal: AbortSignal,
): Promise<void> {
  const metrics = new Registry()
  const identity = hostname()
  const context: ProgramContext = { client, clock: systemClock, log, identity, metrics, namespace: flags.namespace }
  const port = flags['metrics-port']
  const health =
    port === undefined
      ? undefined
      : await serveHealth({ host: '127.0.0.1', port, ready: () => !signal.aborted, metrics: () => metrics.metrics() })
  const onStarted = async (leading: AbortSignal) => {
    metrics.clear()
    await program.run(context, leading, settings)
  }
  // Timers of the clock keep no process alive, and one that stands by has nothing else.
  const awake = setInterval(() => undefined, 60_000)
  try {
    if (flags['leader-elect'])
      await electLeader(
        { client, clock: systemClock, log, namespace: flags.leaseNamespace, name: program.lease, identity, onStarted },
        signal,
      )
    else await onStarted(signal)
    log.info('stopped')
  } finally {
    clearInterval(awake)
    await health?.close()
    await client.close()
  }
}
