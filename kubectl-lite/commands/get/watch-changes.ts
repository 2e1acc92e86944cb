import type { KubeObject } from '../../../lib/api/define-kind.js'
import { queryString, resourcePath } from '../../../lib/client/resource-path.js'
import { watchFrames } from '../../cluster/watch-frames.js'
import { alignColumns } from '../../print/align-columns.js'
import type { OutputFormat } from '../../print/output-format.js'
import { painter } from '../../print/paint.js'
import { type Table, type TableRow, tableCells } from '../../print/table.js'
import { printObjects } from './as-objects.js'
import { nothingFound, readTable, tableAccept, tableFlags } from './as-tables.js'
import type { GetContext, Query } from './query.js'

/** Shows what is there (unless --watch-only), then every change, until Ctrl-C. Columns stay in line with what was shown before. */
export async function watchChanges(context: GetContext, query: Query, format: OutputFormat): Promise<void> {
  const { cluster, io, flags } = context
  const list = await readTable(context, query)
  const selectors = queryString({
    labelSelector: flags.selector,
    fieldSelector: query.name === undefined ? flags.fieldSelector : `metadata.name=${query.name}`,
  })
  const watched = {
    path: `${resourcePath(query.resource, { namespace: query.namespace })}${selectors}`,
    resourceVersion: list.resourceVersion,
    signal: io.signal,
  }
  if (format.type !== 'table') {
    const show = async (object: KubeObject): Promise<void> =>
      await io.out(await printObjects([{ resource: query.resource, object }], format, true, { ...flags, headers: false }))
    if (!flags.watchOnly)
      for (const row of list.rows) {
        const { namespace, name = '' } = row.object?.metadata ?? {}
        const response = await cluster.client.raw({ method: 'GET', path: resourcePath(query.resource, { namespace, name }) })
        await show(JSON.parse(await response.text()) as KubeObject)
      }
    for await (const frame of watchFrames(cluster.client, watched)) await show(frame.object as KubeObject)
    return
  }
  // Room for what may come: states change their length, and rows that were printed cannot move.
  const widths: number[] = Array.from({ length: list.columns.length + 2 }, () => roomyWidth)
  const paint = await painter(io)
  let headerDue = flags.headers
  const show = async (rows: readonly TableRow[], event: string): Promise<void> => {
    const cells = tableCells(list.columns, rows, tableFlags(context, query, format.wide))
    const withEvent = (row: string[], first: string): string[] => (flags.outputWatchEvents ? [first, ...row] : row)
    const lines = cells.rows.map((row) => withEvent(row, event))
    if (lines.length > 0) await io.out(alignColumns(headerDue ? [withEvent(cells.header, 'EVENT'), ...lines] : lines, widths, paint))
    headerDue = headerDue && lines.length === 0
  }
  if (!flags.watchOnly && list.rows.length === 0) io.err(`${nothingFound(context, [query])}\n`)
  if (!flags.watchOnly) await show(list.rows, 'ADDED')
  for await (const frame of watchFrames(cluster.client, { ...watched, accept: tableAccept }))
    await show((frame.object as Table).rows ?? [], frame.type)
}

const roomyWidth = 12
