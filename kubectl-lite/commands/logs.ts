/** `logs`: what Tasks write, over the connection that their node's agent keeps to the server. */
import { isWaitingToStart } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { hasBegun } from '../../lib/api/task-phase.js'
import type { RawResponse } from '../../lib/client/client.js'
import { queryString, resourcePath } from '../../lib/client/resource-path.js'
import type { Cli, DefineCommand } from '../cli/cli.js'
import { ExitError, UsageError } from '../cli/exit-code.js'
import { errorText } from '../cli/report-error.js'
import { durationMs } from '../cli/timeout.js'
import type { ApiResource } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { followObject } from '../cluster/follow-object.js'
import { listObjects } from '../cluster/objects.js'
import { awaitAgent } from '../sessions/await-agent.js'
import { findTask } from '../sessions/find-task.js'
import { orNameVps } from '../sessions/or-name-vps.js'

interface Flags {
  readonly follow?: boolean
  readonly tail?: string
  readonly since?: string
  readonly sinceTime?: string
  readonly previous?: boolean
  readonly timestamps?: boolean
  readonly limitBytes?: string
  readonly selector?: string
  readonly prefix?: boolean
  readonly allNamespaces?: boolean
  readonly maxLogRequests: string
}

interface Source {
  readonly namespace: string
  readonly name: string
  /** Absent: a Task. */
  readonly resource?: ApiResource
}

export const logs: DefineCommand = (command, cli) => {
  command
    .argument('[task]', 'NAME, task/NAME, vps/NAME, or deployment/NAME for one of its Tasks')
    .option('-f, --follow', 'wait for its start if need be, and go on until the Task has ended')
    .option('--tail <lines>', 'only so many of the last lines (default: all; 10 with -l; -1: all)')
    .option('--since <duration>', 'only what is newer: 30s, 5m')
    .option('--since-time <time>', 'only what is newer than an RFC 3339 time')
    .option('-p, --previous', 'of the run before the last restart')
    .option('--timestamps', 'the time before each line')
    .option('--limit-bytes <bytes>', 'end after so many bytes')
    .option('-l, --selector <selector>', 'of all Tasks with these labels')
    .option('-A, --all-namespaces', 'with -l: in all namespaces')
    .option('--prefix', "the Task's name before each line")
    .option('--max-log-requests <number>', 'with -l and -f: how many Tasks at most', '5')
    .action(async (word: string | undefined, flags: Flags) => {
      const query = logQuery(flags)
      const cluster = await cli.connect()
      if (flags.selector === undefined) {
        if (word === undefined) throw new UsageError('name a Task, or select some with -l')
        return await copyLog(cli, cluster, await findTask(cluster, word, 'log', cli.io), query, flags.prefix === true)
      }
      if (word !== undefined) throw new UsageError('name a Task, or select some with -l, not both')
      const sources = await selected(cluster, flags)
      if (sources.length === 0) return cli.io.err(`No resources found in ${cluster.namespace} namespace.\n`)
      if (flags.follow && sources.length > Number(flags.maxLogRequests))
        throw new UsageError(`you are trying to follow ${sources.length} Tasks, and --max-log-requests is ${flags.maxLogRequests}`)
      let failure: unknown
      const copy = async (source: Source): Promise<void> => {
        await copyLog(cli, cluster, source, query, flags.prefix === true).catch((error: unknown) => {
          cli.io.err(`task/${source.name}: ${errorText(error)}\n`)
          failure ??= error
        })
      }
      if (flags.follow) await Promise.all(sources.map(copy))
      else for (const source of sources) await copy(source)
      if (failure !== undefined) throw new ExitError('failed')
    })
}

function logQuery(flags: Flags): string {
  const since = flags.since === undefined ? undefined : durationMs(flags.since)
  if (flags.since !== undefined && since === undefined) throw new UsageError(`--since takes a duration, as 30s or 5m, not "${flags.since}"`)
  if (flags.since !== undefined && flags.sinceTime !== undefined) throw new UsageError('give --since or --since-time, not both')
  const tail = flags.tail ?? (flags.selector === undefined ? '-1' : '10')
  if (!/^-?\d+$/.test(tail)) throw new UsageError(`--tail takes a whole number, not "${tail}"`)
  return queryString({
    follow: flags.follow,
    tailLines: Number(tail) < 0 ? undefined : Number(tail),
    sinceSeconds: since === undefined ? undefined : Math.max(1, Math.ceil(since / 1000)),
    sinceTime: flags.sinceTime,
    previous: flags.previous,
    timestamps: flags.timestamps,
    limitBytes: flags.limitBytes,
  })
}

async function selected(cluster: Cluster, flags: Flags): Promise<Source[]> {
  const tasks = await cluster.discovery.findOne('tasks.millrace.dev')
  const namespace = flags.allNamespaces ? undefined : cluster.namespace
  const { items } = await listObjects(cluster.client, tasks, { namespace, labelSelector: flags.selector })
  return items.map(({ metadata }: KubeObject) => ({ namespace: metadata.namespace ?? cluster.namespace, name: metadata.name }))
}

async function copyLog(cli: Cli, cluster: Cluster, source: Source, query: string, prefix: boolean): Promise<void> {
  const resource = source.resource ?? (await cluster.discovery.findOne('tasks.millrace.dev'))
  const path = `${resourcePath(resource, { namespace: source.namespace, name: source.name, subresource: 'log' })}${query}`
  const waitForStart = new URLSearchParams(query).get('follow') === 'true' && (() => untilBegun(cli, cluster, resource, source))
  const response = await orNameVps(cluster, source, openLog(cli, cluster, path, waitForStart))
  try {
    if (!prefix) {
      for await (const chunk of response.body) await cli.io.outBytes(chunk)
      return
    }
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) await cli.io.out(`[${resource.singular}/${source.name}] ${line}\n`)
    }
    if (rest !== '') await cli.io.out(`[${resource.singular}/${source.name}] ${rest}\n`)
  } catch (error) {
    if (!cli.io.signal.aborted) throw error
  }
}

/** A Task that has not started is waited for, when `waitForStart` does. */
async function openLog(cli: Cli, cluster: Cluster, path: string, waitForStart: false | (() => Promise<void>)): Promise<RawResponse> {
  const { signal } = cli.io
  for (let isFirst = true; ; isFirst = false) {
    try {
      const headers = { accept: 'text/plain, application/json' }
      return await awaitAgent(() => cluster.client.raw({ method: 'GET', path, headers, signal }), signal)
    } catch (error) {
      if (!isWaitingToStart(error) || !waitForStart) throw error
      if (isFirst) cli.io.err(`${error.message}; waiting\n`)
      await waitForStart()
    }
  }
}

/** Resolves when the Task or Vps has begun to run, has ended without, or is gone: then the server knows more. */
async function untilBegun(cli: Cli, cluster: Cluster, resource: ApiResource, source: Source): Promise<void> {
  await followObject(cluster, { ...source, resource }, (object) => object === undefined || begun(object), cli.io.signal)
}

function begun(object: KubeObject): boolean {
  if (object.kind === Vps.kind) return (object as unknown as Vps).status?.startedAt !== undefined
  return hasBegun((object as unknown as Task).status)
}
