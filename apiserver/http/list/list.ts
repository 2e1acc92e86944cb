/**
 * Lists: one page of a selection at one revision, as it is stored, as a Table, or as metadata. The current state comes from memory, older
 * ones from the log; what is sent is the stored bytes, in slices of about half a mebibyte with a turn of the event loop between.
 */
import { expired, isExpired } from '../../../lib/api/api-error.js'
import type { StoredObject } from '../../storage/store.js'
import type { ServerParts } from '../server-parts.js'
import { listOpening, objectPrinter } from '../shape/list-shape.js'
import type { Shape } from '../shape/negotiate.js'
import type { Exchange } from '../wire/exchange.js'
import { sendPieces } from '../wire/send-pieces.js'
import { candidatesOf, listQuery } from './candidates.js'
import { type ContinueToken, encodeContinueToken } from './continue-token.js'
import { waitForRevision } from './freshness.js'
import type { ListAt, ListOptions } from './list-options.js'
import { comparePlaces, placeBehind } from './list-place.js'
import { type Selection, type SelectionSource, select } from './selection.js'

/** One page. */
export interface Page {
  readonly revision: number
  readonly objects: readonly StoredObject[]
  /** Where the next page begins; absent on the last. */
  readonly next?: ContinueToken
}

export async function answerList(
  parts: ServerParts,
  exchange: Exchange,
  selection: Selection,
  options: ListOptions,
  shape: Shape,
): Promise<void> {
  const page = await readPage(parts, selection, options)
  const { next } = page
  const metadata = {
    resourceVersion: String(page.revision),
    ...(next ? { continue: encodeContinueToken(next) } : {}),
    ...(next?.remaining === undefined ? {} : { remainingItemCount: next.remaining }),
  }
  const { kind } = selection
  const opening = listOpening(kind, shape, metadata)
  const printForm = objectPrinter(kind, shape, parts.clock.now())
  const print = kind.definedBy ? (object: StoredObject) => printForm(parts.registry.serve(kind, object)) : printForm
  await sendPieces(exchange, { opening, closing: Buffer.from(']}\n'), items: page.objects, print, stallMs: parts.limits.bounds.stallMs })
}

/** The page that the options ask for. Throws Expired below the store's floor, with a token that goes on without a snapshot. */
export async function readPage(parts: ServerParts, selection: Selection, options: ListOptions): Promise<Page> {
  const { at, limit } = options
  if (at.type === 'latest') {
    await waitForRevision(parts.store, at.notOlderThan, parts.limits.bounds.freshnessWaitMs)
    return currentPage(parts, selection, limit, undefined)
  }
  if (at.type === 'continue' && at.token.revision === -1) return currentPage(parts, selection, limit, at.token.after)
  return pastPage(parts, selection, limit, at)
}

async function currentPage(
  parts: ServerParts,
  selection: Selection,
  limit: number,
  after: ContinueToken['after'] | undefined,
): Promise<Page> {
  const { revision } = parts.store
  const candidates = candidatesOf(parts.store, selection, after)
  if (selection.isWhole) return pageOf(revision, candidates, limit, candidates.length)
  return pageOf(revision, await filterInTurns(candidates, selection, limit === 0 ? Number.POSITIVE_INFINITY : limit + 1), limit, undefined)
}

async function pastPage(parts: ServerParts, selection: Selection, limit: number, at: Exclude<ListAt, { type: 'latest' }>): Promise<Page> {
  const revision = at.type === 'exact' ? at.revision : at.token.revision
  const remaining = at.type === 'continue' ? at.token.remaining : undefined
  await waitForRevision(parts.store, revision, parts.limits.bounds.freshnessWaitMs)
  const after = at.type === 'continue' ? at.token.after : undefined
  const reads = selection.sources.map((source) => readPast(parts, selection, source, { revision, after, limit }))
  const lists = await Promise.all(reads).catch((error: unknown) => {
    throw isExpired(error) ? expiredPage(parts, at) : error
  })
  const [found = [], ...others] = lists.filter((list) => list.length > 0)
  const all = others.length === 0 ? found : lists.flat().sort((a, b) => comparePlaces(a.key, b.key))
  return pageOf(revision, all, limit, remaining)
}

/** The first objects of one kind that were selected at a revision: one more than the limit tells whether another page follows. */
async function readPast(
  { store }: ServerParts,
  selection: Selection,
  source: SelectionSource,
  asked: { readonly revision: number; readonly after: ContinueToken['after'] | undefined; readonly limit: number },
): Promise<readonly StoredObject[]> {
  const { revision, limit } = asked
  const query = { ...listQuery(selection.namespace, source), revision }
  const found: StoredObject[] = []
  let after = asked.after && placeBehind(asked.after, source.prefix)
  // A selector may need several reads to fill a page.
  for (;;) {
    const size = limit === 0 ? 0 : Math.max(limit + 1 - found.length, selection.isWhole ? 1 : scanRows)
    const { objects } = await store.listAt({ ...query, ...(after ? { after } : {}), ...(size > 0 ? { limit: size } : {}) })
    for (const object of objects) {
      const selected = select(selection, object)
      if (selected) found.push(selected)
    }
    const last = objects.at(-1)
    if (size === 0 || objects.length < size || !last || found.length > limit) return found
    after = last.key
  }
}
const scanRows = 500

/** Cuts the page out of the objects that follow it. `total` counts them all, where that is known. */
function pageOf(revision: number, objects: readonly StoredObject[], limit: number, total: number | undefined): Page {
  if (limit === 0 || objects.length <= limit) return { revision, objects }
  const page = objects.slice(0, limit)
  const last = page.at(-1)
  if (!last) return { revision, objects }
  const after = { namespace: last.key.namespace, name: last.key.name }
  // A token that somebody changed may count too few: what was found follows at least.
  const remaining = total === undefined ? {} : { remaining: Math.max(objects.length, total) - limit }
  return { revision, objects: page, next: { revision, after, ...remaining } }
}

function expiredPage(parts: ServerParts, at: Exclude<ListAt, { type: 'latest' }>) {
  if (at.type === 'exact') return expired(`too old resource version: ${at.revision} (${parts.store.compactRevision})`)
  return expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.',
    { continue: encodeContinueToken({ revision: -1, after: at.token.after }) },
  )
}

/** The first `enough` matches; the loop turns after every few thousand objects that were looked at. */
async function filterInTurns(candidates: readonly StoredObject[], selection: Selection, enough: number): Promise<readonly StoredObject[]> {
  const found: StoredObject[] = []
  const turn = selection.view ? turnOfMade : turnItems
  for (let start = 0; start < candidates.length && found.length < enough; start += turn) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve))
    const end = Math.min(start + turn, candidates.length)
    for (let index = start; index < end && found.length < enough; index += 1) {
      const candidate = candidates[index]
      const selected = candidate && select(selection, candidate)
      if (selected) found.push(selected)
    }
  }
  return found
}
const turnItems = 10_000
/** Objects of a view may have to be made to be judged. */
const turnOfMade = 200
