/**
 * Measurements: objects that are made of what agents answer, at the moment when somebody asks, and never stored. There is no watch of them;
 * who wants to look on asks again, and agents are asked once for all that look on.
 */
import { ApiError, badRequest, notFound, serviceUnavailable } from '../../../lib/api/api-error.js'
import type { Kind } from '../../../lib/api/define-kind.js'
import { timestamp } from '../../../lib/base/clock.js'
import type { StoredObject } from '../../storage/store.js'
import { type MeasuredSubject, measurementOf, subjectsOf } from '../../usage/measured-subject.js'
import { waitForAskedRevision } from '../list/freshness.js'
import { parseListOptions } from '../list/list-options.js'
import type { ServerParts, StatsQuestion } from '../server-parts.js'
import { listOpening, objectPrinter } from '../shape/list-shape.js'
import { negotiate } from '../shape/negotiate.js'
import { accessOf, authorize, type Exchange } from '../wire/exchange.js'
import { sendPieces } from '../wire/send-pieces.js'
import { selectionOf, sendObject } from './read-resource.js'

/** Answers get and list. */
export function answerMeasured(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  return exchange.info.verb === 'get' ? measureOne(parts, exchange, kind) : measureMany(parts, exchange, kind)
}

async function measureOne(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user } = exchange
  authorize(parts.authorizer, accessOf(user, info))
  await waitForAskedRevision(parts, exchange)
  const { namespace, name } = info
  const [subject] = subjectsOf(parts.store, kind, namespace, name)
  if (!subject) throw notFound({ group: kind.group, resource: kind.plural, name })
  const stats = await parts.streams?.readStats(subject.node, subject.question)
  if (!stats) throw serviceUnavailable(`the agent of node "${subject.node}" does not say how loaded it is; is it running?`)
  const said = subject.read(stats)
  if (!said)
    throw new ApiError(
      'NotFound',
      `${kind.plural}.${kind.group} ${JSON.stringify(name)} not found: nothing of it runs on node "${subject.node}"`,
    )
  await sendObject(parts, exchange, 200, kind, measurementOf(kind, subject, said, timestamp(parts.clock.now())))
}

async function measureMany(parts: ServerParts, exchange: Exchange, kind: Kind): Promise<void> {
  const { info, user, request } = exchange
  const selection = selectionOf(parts, exchange, kind)
  authorize(parts.authorizer, accessOf(user, info, selection.fieldEquals))
  const { shape } = negotiate(request.headers.accept, info.query, false)
  // Every list is whole, as a server may answer whatever the limit, and true now.
  if (parseListOptions(info.query).at.type !== 'latest')
    throw badRequest(`${kind.plural} of ${kind.group} are measured now: no list of another revision, and none that goes on`)
  await waitForAskedRevision(parts, exchange)
  const subjects = subjectsOf(parts.store, kind, info.namespace, '').filter(({ blank }) => selection.matches(blank))
  const items = await measure(parts, kind, subjects)
  const { stallMs } = parts.limits.bounds
  const print = objectPrinter(kind, shape, parts.clock.now())
  await sendPieces(exchange, { opening: listOpening(kind, shape, {}), closing: Buffer.from(']}\n'), items, print, stallMs })
}

/** Asks all nodes at once, each once; what is not answered in time is left out. */
async function measure({ streams, clock }: ServerParts, kind: Kind, subjects: readonly MeasuredSubject[]): Promise<StoredObject[]> {
  if (!streams) return []
  const nodes = [...new Set(subjects.map(({ node }) => node))]
  const question: StatsQuestion = { of: kind.scope === 'Cluster' ? 'machine' : 'workloads' }
  const answers = new Map(await Promise.all(nodes.map(async (node) => [node, await streams.readStats(node, question)] as const)))
  const now = timestamp(clock.now())
  return subjects.flatMap((subject) => {
    const stats = answers.get(subject.node)
    const said = stats && subject.read(stats)
    return said ? [measurementOf(kind, subject, said, now)] : []
  })
}
