/**
 * The routes of node streams: an agent's connection comes in, a log goes out, and sessions go both ways. No byte of them stays here: they
 * pass between the agent's connection and the client's at the slower one's pace.
 */
import type { IncomingMessage } from 'node:http'
import { badRequest, forbidden } from '../../lib/api/api-error.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import type { Logger } from '../../lib/base/log.js'
import { acceptNodeConnection, offersNodeConnection } from '../../lib/stream/accept-node-connection.js'
import type { NodeConnections } from '../../lib/stream/node-connections.js'
import { nodeStreamProtocol } from '../../lib/stream/node-session.js'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'
import type { Authorizer } from '../auth/authorizer.js'
import { nodeNameOf, type UserInfo } from '../auth/user.js'
import type { LogTarget, NodeStreamRoutes } from '../http/server-parts.js'
import type { Store } from '../storage/store.js'
import { readRefusal } from './agent-refusal.js'
import { askGateways } from './ask-gateways.js'
import { parseLogQuery } from './log-query.js'
import { type LogSource, logSourceOf } from './log-source.js'
import type { NodeStreams } from './node-streams.js'
import { openSession } from './open-session.js'
import { passOn } from './pass-on.js'
import { sendSnapshotContent } from './snapshot-content.js'
import { createStatsSource } from './stats-source.js'
import { agentPath, findWorkload, subjectOf } from './streamed-workload.js'

export interface NodeStreamRoutesOptions {
  readonly streams: NodeStreams
  /** The connections that gateways have dialled, by their names. */
  readonly gateways: NodeConnections
  readonly store: Pick<Store, 'get'>
  readonly authorizer: Authorizer
  /** Throws Unauthorized. */
  readonly authenticate: (request: IncomingMessage) => UserInfo
  readonly log: Logger
  /** How often an open stream is judged again, milliseconds. Default 60 s. */
  readonly judgeEveryMs?: number
}

export function createNodeStreamRoutes(options: NodeStreamRoutesOptions): NodeStreamRoutes {
  const { streams, gateways, store, authorizer, authenticate, log, judgeEveryMs = 60_000 } = options

  /** Whether the reader still may, and what it reads is still what it asked for. */
  function isStillDue(target: LogTarget, source: LogSource, request: IncomingMessage): boolean {
    if (!authorizer.authorize({ ...target.access, user: authenticate(request) }).allowed) return false
    const { metadata, spec } = findWorkload(store, target)
    return metadata.uid === source.uid && spec.nodeName === source.node
  }

  return {
    async streamLog(target, query, request, response) {
      if (!target.kind.workload) throw badRequest(`${target.kind.plural} have no log`)
      const asked = parseLogQuery(query, target.kind.kind === Vps.kind ? 'Vps' : 'Task')
      const source = logSourceOf(findWorkload(store, target))
      if (target.kind.kind === Vps.kind) asked.set('kind', Vps.kind)
      asked.set('uid', source.uid)
      asked.set('attempt', String(source.attempt))
      const reader = new AbortController()
      response.once('close', () => reader.abort(new Error('the reader went away')))
      const path = agentPath('logs', target, asked)
      const { namespace } = target
      const { status, stream } = await streams.openNodeStream(source.node, { path, namespace, signal: reader.signal })
      if (status !== 200) throw await readRefusal(status, stream, subjectOf(target), source.node)
      const headers = { 'content-type': 'text/plain; charset=utf-8' }
      await passOn(stream, response, { status: 200, headers, isStillDue: () => isStillDue(target, source, request), judgeEveryMs })
    },

    streamSnapshot: (target, response) => sendSnapshotContent({ streams, store, judgeEveryMs }, target, response),
    readStats: createStatsSource(streams),

    openSession: (target, request, socket, head) => openSession({ streams, store, log, judgeEveryMs }, target, { request, socket, head }),

    tunnelCounts: (namespace, name, signal) => askGateways(gateways, namespace, name, signal),

    handleGateway(name, { request, socket, head }, isAllowed) {
      if (!offersNodeConnection(request)) throw badRequest(`a gateway connects with the header Upgrade: ${nodeStreamProtocol}`)
      const connection = acceptNodeConnection(socket, head)
      const { close } = gateways.add(name, connection)
      connection.once('close', judgeRepeatedly(judgeEveryMs, isAllowed, close))
      log.info({ gateway: name }, 'a gateway is connected')
    },

    handleUpgrade(nodeName, request, socket, head) {
      if (nodeNameOf(authenticate(request)) !== nodeName)
        throw forbidden(
          { group: 'millrace.dev', resource: 'nodestreams', name: nodeName },
          'only the agent of the node itself connects here',
        )
      if (!offersNodeConnection(request)) throw badRequest(`an agent connects with the header Upgrade: ${nodeStreamProtocol}`)
      const connection = acceptNodeConnection(socket, head)
      const { close } = streams.add(nodeName, connection)
      const stop = judgeRepeatedly(judgeEveryMs, () => nodeNameOf(authenticate(request)) === nodeName, close)
      connection.once('close', () => {
        stop()
        log.info({ node: nodeName }, 'the agent is disconnected')
      })
      log.info({ node: nodeName }, 'the agent is connected')
    },
  }
}
