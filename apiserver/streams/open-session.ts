/**
 * exec, attach and port-forward: a client's connection is upgraded and carried to the agent of the Task's node. Everything that can be wrong is
 * said as a Status before the upgrade; after it, the session's own error channel speaks.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { badRequest, notFound } from '../../lib/api/api-error.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { Logger } from '../../lib/base/log.js'
import { acceptChannels, chooseProtocol } from '../../lib/stream/accept-channels.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import type { SessionTarget } from '../http/server-parts.js'
import type { Store } from '../storage/store.js'
import { readRefusal } from './agent-refusal.js'
import { carrySession } from './carry-session.js'
import { parseExecQuery } from './exec-query.js'
import type { NodeStreams } from './node-streams.js'
import { type SessionSource, sessionSourceOf } from './session-source.js'

export interface SessionOptions {
  readonly streams: NodeStreams
  readonly store: Pick<Store, 'get'>
  readonly log: Logger
  readonly judgeEveryMs: number
}

/** The upgrade that a client asks for. */
interface Upgrade {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

/** Rejects with an ApiError while nothing was sent; resolves when the session has ended. */
export async function openSession(options: SessionOptions, target: SessionTarget, upgrade: Upgrade): Promise<void> {
  const { store, log, judgeEveryMs } = options
  const source = sessionSourceOf(findTask(store, target))
  const isStillDue = () => target.isAllowed() && isSameRun(store, target, source)
  const { command, ...streams } = parseExecQuery(target.query, target.container)
  const orders = new URLSearchParams({ stdin: String(streams.stdin), tty: String(streams.tty) })
  for (const word of command) orders.append('command', word)
  if (upgrade.request.headers.upgrade?.toLowerCase() !== 'websocket' || chooseProtocol(upgrade.request) === undefined)
    throw badRequest('exec needs the upgrade websocket with a subprotocol of v5.channel.k8s.io or v4.channel.k8s.io')
  const node = new FramedChannels(await askAgent(options, target, source, orders))
  try {
    const client = await acceptChannels(upgrade.request, upgrade.socket, upgrade.head)
    const about = { session: target.type, namespace: target.namespace, task: target.name, node: source.node }
    log.info(about, 'a session began')
    await carrySession(client, node, { streams, isStillDue, judgeEveryMs })
    log.info(about, 'a session ended')
  } finally {
    node.destroy()
  }
}

function findTask(store: Pick<Store, 'get'>, { namespace, name }: SessionTarget): Task {
  const key = { group: Task.group, resource: Task.plural, namespace, name }
  const stored = store.get(key)
  if (!stored) throw notFound(key)
  return JSON.parse(stored.bytes.toString()) as Task
}

/** A later attempt is another run, on whichever node. Throws when the Task is gone. */
function isSameRun(store: Pick<Store, 'get'>, target: SessionTarget, source: SessionSource): boolean {
  const { metadata, spec, status } = findTask(store, target)
  return metadata.uid === source.uid && spec.nodeName === source.node && (status?.attempt ?? 0) === source.attempt
}

/** Resolves with the stream to the agent once it has agreed. */
async function askAgent(
  { streams }: SessionOptions,
  { type, namespace, name }: SessionTarget,
  { node, uid, attempt }: SessionSource,
  orders: URLSearchParams,
): Promise<Duplex> {
  orders.set('uid', uid)
  orders.set('attempt', String(attempt))
  const path = `/${type}/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?${orders}`
  const { status, stream } = await streams.openNodeStream(node, { method: 'POST', path, writes: true })
  if (status === 200) return stream
  throw await readRefusal(status, stream, { group: Task.group, resource: Task.plural, name }, node)
}
