/**
 * exec, attach, port-forward and console: a client's connection is upgraded and carried to the agent of the node of a Task or a Vps.
 * Everything that can be wrong is said as a Status before the upgrade; after it, the session's own error channel speaks.
 */
import type { Duplex } from 'node:stream'
import { badRequest } from '../../lib/api/api-error.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { Logger } from '../../lib/base/log.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'
import type { SessionTarget } from '../http/server-parts.js'
import type { Store } from '../storage/store.js'
import { acceptorOfChannels, acceptorOfForward, type Upgrade } from './accept-session.js'
import { readRefusal } from './agent-refusal.js'
import { carryForward } from './carry-forward.js'
import { carryPortChannels } from './carry-port-channels.js'
import { carrySession } from './carry-session.js'
import { parseAttachQuery, parseConsoleQuery, parseExecQuery, type SessionStreams } from './exec-query.js'
import { parseForwardQuery } from './forward-query.js'
import type { NodeStreams } from './node-streams.js'
import { type SessionSource, sessionSourceOf } from './session-source.js'
import { agentPath, findWorkload, type StreamedWorkload, subjectOf } from './streamed-workload.js'

export interface SessionOptions {
  readonly streams: NodeStreams
  readonly store: Pick<Store, 'get'>
  readonly log: Logger
  readonly judgeEveryMs: number
}

/** Rejects with an ApiError while nothing was sent; resolves when the session has ended. */
export async function openSession(options: SessionOptions, target: SessionTarget, upgrade: Upgrade): Promise<void> {
  const { store, log } = options
  const workload = findWorkload(store, target)
  if (target.type === 'console') assertConsole(workload)
  const source = sessionSourceOf(workload)
  const carry = await prepareCarry(options, target, source, upgrade)
  const about = { session: target.type, kind: target.kind.kind, namespace: target.namespace, name: target.name, node: source.node }
  log.info(about, 'a session began')
  await carry(() => target.isAllowed() && isSameRun(store, target, source))
  log.info(about, 'a session ended')
}

type Carry = (isStillDue: () => boolean) => Promise<void>

/** Everything that can be refused is over when this resolves. */
function prepareCarry(options: SessionOptions, target: SessionTarget, source: SessionSource, upgrade: Upgrade): Promise<Carry> {
  const { query, container } = target
  switch (target.type) {
    case 'exec': {
      const { command, ...streams } = parseExecQuery(query, container)
      const orders = new URLSearchParams({ stdin: String(streams.stdin), tty: String(streams.tty) })
      for (const word of command) orders.append('command', word)
      return prepareChannels(options, target, source, upgrade, streams, orders)
    }
    case 'attach': {
      const streams = parseAttachQuery(query, container)
      if (streams.stdin || streams.tty)
        throw badRequest(
          `${target.kind.singular} "${target.name}" has no ${streams.stdin ? 'open input' : 'terminal'}: attach shows what it says; exec runs a command with both`,
        )
      return prepareChannels(options, target, source, upgrade, streams, new URLSearchParams())
    }
    case 'console':
      return prepareChannels(options, target, source, upgrade, parseConsoleQuery(query), new URLSearchParams())
    case 'portforward':
      return prepareForward(options, target, source, upgrade)
  }
}

async function prepareChannels(
  options: SessionOptions,
  target: SessionTarget,
  source: SessionSource,
  upgrade: Upgrade,
  streams: SessionStreams,
  orders: URLSearchParams,
): Promise<Carry> {
  const accept = acceptorOfChannels(upgrade, streams)
  const node = new FramedChannels(await askAgent(options, target, source, orders))
  try {
    const client = await accept()
    return (isStillDue) => carrySession(client, node, { streams, isStillDue, judgeEveryMs: options.judgeEveryMs })
  } catch (error) {
    node.destroy()
    throw error
  }
}

async function prepareForward(options: SessionOptions, target: SessionTarget, source: SessionSource, upgrade: Upgrade): Promise<Carry> {
  const { needsPorts, accept } = acceptorOfForward(upgrade)
  const { ports, protocol } = parseForwardQuery(target.query)
  if (protocol === 'udp' && !needsPorts) throw badRequest('datagrams need the WebSocket subprotocol v5.channel.k8s.io or v4.channel.k8s.io')
  if (needsPorts !== ports.length > 0)
    throw badRequest(needsPorts ? 'name the ports: ?ports=80' : 'each stream names its port; the request has none')
  const dial = (port: number) => askAgent(options, target, source, new URLSearchParams({ port: String(port), protocol }))
  const carrier = await accept()
  return async (isStillDue) => {
    const end = () => (carrier.type === 'streams' ? carrier.transport : carrier.link).destroy()
    const stop = judgeRepeatedly(options.judgeEveryMs, isStillDue, end)
    await (carrier.type === 'streams' ? carryForward(carrier.transport, dial) : carryPortChannels(carrier.link, ports, dial))
    stop()
  }
}

/** Throws BadRequest for what has no serial line. */
function assertConsole({ metadata, spec }: StreamedWorkload): void {
  if (spec.backend !== 'qemu')
    throw badRequest(`vps "${metadata.name}" is a container and has no console: exec runs a shell in it, and its log is what it says`)
}

/** A later attempt is another run, on whichever node. Throws when the workload is gone. */
function isSameRun(store: Pick<Store, 'get'>, target: SessionTarget, source: SessionSource): boolean {
  const { metadata, spec, status } = findWorkload(store, target)
  return metadata.uid === source.uid && spec.nodeName === source.node && (status?.attempt ?? 0) === source.attempt
}

/** Resolves with the stream to the agent once it has agreed. */
async function askAgent(
  { streams }: SessionOptions,
  target: SessionTarget,
  { node, uid, attempt }: SessionSource,
  orders: URLSearchParams,
): Promise<Duplex> {
  if (target.kind.kind === Vps.kind) orders.set('kind', Vps.kind)
  orders.set('uid', uid)
  orders.set('attempt', String(attempt))
  const path = agentPath(target.type, target, orders)
  const { status, stream } = await streams.openNodeStream(node, { method: 'POST', path, writes: true, namespace: target.namespace })
  if (status === 200) return stream
  throw await readRefusal(status, stream, subjectOf(target), node)
}
