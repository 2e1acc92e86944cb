import type { Readable } from 'node:stream'
import { type NodeStats, readNodeStats } from '../../lib/api/node-stats.js'
import type { NodeStreamRoutes, StatsQuestion } from '../http/server-parts.js'
import type { NodeStreams } from './node-streams.js'

/** How long an answer is good for everybody who asks the same: many who look on cost no more than one. */
const keepMs = 1_500
/** An agent that takes longer is left out: the others' answers wait for it. */
const usualDeadlineMs = 5_000
const maxAnswerBytes = 8 * 1024 * 1024

/** Asks agents for their load over the connections that they dialled. */
export function createStatsSource(
  streams: Pick<NodeStreams, 'isConnected' | 'openNodeStream'>,
  { deadlineMs = usualDeadlineMs } = {},
): NodeStreamRoutes['readStats'] {
  const kept = new Map<string, Promise<NodeStats | undefined>>()

  async function ask(node: string, path: string): Promise<NodeStats | undefined> {
    const signal = AbortSignal.timeout(deadlineMs)
    try {
      const { status, stream } = await streams.openNodeStream(node, { path, signal })
      const text = await readAll(stream)
      return status === 200 ? readNodeStats(text) : undefined
    } catch {
      // It does not answer, or says nothing that makes sense: nobody knows how loaded the node is.
      return undefined
    }
  }

  return (node, question) => {
    if (!streams.isConnected(node)) return Promise.resolve(undefined)
    const path = pathOf(question)
    const key = `${node} ${path}`
    const known = kept.get(key)
    if (known) return known
    const answer = ask(node, path)
    kept.set(key, answer)
    void answer.then(() => setTimeout(() => kept.delete(key), keepMs).unref())
    return answer
  }
}

function pathOf(question: StatsQuestion): string {
  if (question.of === 'machine') return '/stats'
  if (question.of === 'workloads') return '/stats?of=workloads'
  const { kind, namespace, name, uid, attempt } = question
  return `/stats/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}?${new URLSearchParams({ kind, uid, attempt: String(attempt) })}`
}

async function readAll(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxAnswerBytes) throw new RangeError('the answer is too long')
  }
  return Buffer.concat(chunks).toString()
}
