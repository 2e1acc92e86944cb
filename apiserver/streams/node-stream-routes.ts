/**
 * The routes of node streams: an agent's connection comes in, a log goes out, and sessions go both ways. No byte of them stays here: they pass
 * between the agent's connection and the client's at the slower one's pace.
 */
import type { IncomingMessage } from 'node:http'
import { badRequest, forbidden, notFound } from '../../lib/api/api-error.js'
import { Task } from '../../lib/api/kinds/task.js'
import type { Logger } from '../../lib/base/log.js'
import { acceptNodeConnection, offersNodeConnection } from '../../lib/stream/accept-node-connection.js'
import { nodeStreamProtocol } from '../../lib/stream/node-session.js'
import { judgeRepeatedly } from '../../lib/stream/repeated-judgement.js'
import type { Authorizer } from '../auth/authorizer.js'
import { nodeNameOf, type UserInfo } from '../auth/user.js'
import type { LogTarget, NodeStreamRoutes } from '../http/server-parts.js'
import type { Store } from '../storage/store.js'
import { readRefusal } from './agent-refusal.js'
import { parseLogQuery } from './log-query.js'
import { type LogSource, logSourceOf } from './log-source.js'
import type { NodeStreams } from './node-streams.js'
import { openSession } from './open-session.js'
import { passOn } from './pass-on.js'
import { sendSnapshotContent } from './snapshot-content.js'
import { createStatsSource } from './stats-source.js'

export interface NodeStreamRoutesOptions {
  readonly streams: NodeStreams
  readonly store: Pick<Store, 'get'>
  readonly authorizer: Authorizer
  /** Throws Unauthorized. */
  readonly authenticate: (request: IncomingMessage) => UserInfo
  readonly log: Logger
  /** How often an open stream is judged again, milliseconds. Default 60 s. */
  readonly judgeEveryMs?: number
}

export function createNodeStreamRoutes(options: NodeStreamRoutesOptions): NodeStreamRoutes {
  const { streams, store, authorizer, authenticate, log, judgeEveryMs = 60_000 } = options

  function findTask({ namespace, name }: LogTarget): Task {
    const key = { group: Task.group, resource: Task.plural, namespace, name }
    const stored = store.get(key)
    if (!stored) throw notFound(key)
    return JSON.parse(stored.bytes.toString()) as Task
  }

  /** Whether the reader still may, and what it reads is still what it asked for. */
  function isStillDue(target: LogTarget, source: LogSource, request: IncomingMessage): boolean {
    if (!authorizer.authorize({ ...target.access, user: authenticate(request) }).allowed) return false
    const { metadata, spec } = findTask(target)
    return metadata.uid === source.uid && spec.nodeName === source.node
  }

  return {
    async streamLog(target, query, request, response) {
      if (target.kind.plural !== Task.plural) throw badRequest(`${target.kind.plural} have no log`)
      const asked = parseLogQuery(query)
      const source = logSourceOf(findTask(target))
      asked.set('uid', source.uid)
      asked.set('attempt', String(source.attempt))
      const reader = new AbortController()
      response.once('close', () => reader.abort(new Error('the reader went away')))
      const path = `/logs/${encodeURIComponent(target.namespace)}/${encodeURIComponent(target.name)}?${asked}`
      const { status, stream } = await streams.openNodeStream(source.node, { path, signal: reader.signal })
      const subject = { group: Task.group, resource: Task.plural, name: target.name }
      if (status !== 200) throw await readRefusal(status, stream, subject, source.node)
      const headers = { 'content-type': 'text/plain; charset=utf-8' }
      await passOn(stream, response, { status: 200, headers, isStillDue: () => isStillDue(target, source, request), judgeEveryMs })
    },

    streamSnapshot: (target, response) => sendSnapshotContent({ streams, store, judgeEveryMs }, target, response),
    readStats: createStatsSource(streams),

    openSession: (target, request, socket, head) => openSession({ streams, store, log, judgeEveryMs }, target, { request, socket, head }),

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
