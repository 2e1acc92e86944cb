import { isNotFound } from '../../../lib/api/api-error.js'
import { readAnswer } from '../../../lib/client/read-answer.js'
import { queryString } from '../../../lib/client/resource-path.js'
import { qualifiedSingular } from '../../cluster/api-resource.js'
import { alignColumns } from '../../print/align-columns.js'
import { painter } from '../../print/paint.js'
import { type Table, type TableFlags, type TableRow, tableCells } from '../../print/table.js'
import type { GetContext, Query } from './query.js'

export const tableAccept = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json'

/** Prints the server's tables: one per kind, rows of one kind under one header. What failed is reported on the way and comes back. */
export async function getAsTables(context: GetContext, queries: readonly Query[], wide: boolean): Promise<{ failures: unknown[] }> {
  const { io, flags } = context
  const failures: unknown[] = []
  const tables: { query: Query; columns: NonNullable<Table['columnDefinitions']>; rows: TableRow[] }[] = []
  for (const query of queries) {
    try {
      const { columns, rows } = await readTable(context, query)
      const last = tables.at(-1)
      if (last && last.query.resource === query.resource) last.rows.push(...rows)
      else tables.push({ query, columns, rows })
    } catch (error) {
      if (!(flags.ignoreNotFound && isNotFound(error))) context.report(error)
      failures.push(error)
    }
  }
  const paint = await painter(io)
  const shown = tables.filter((table) => table.rows.length > 0)
  const several = new Set(queries.map((query) => query.resource)).size > 1
  for (const [index, { query, columns, rows }] of shown.entries()) {
    const cells = tableCells(columns, rows, {
      ...tableFlags(context, query, wide),
      namePrefix: several ? `${qualifiedSingular(query.resource)}/` : undefined,
    })
    await io.out(`${index > 0 ? '\n' : ''}${alignColumns(flags.headers ? [cells.header, ...cells.rows] : cells.rows, [], paint)}`)
  }
  if (shown.length === 0 && failures.length === 0 && !flags.ignoreNotFound) io.err(`${nothingFound(context, queries)}\n`)
  return { failures }
}

export function tableFlags({ flags }: GetContext, query: Query, wide: boolean): TableFlags {
  return {
    wide,
    withNamespace: flags.allNamespaces === true && query.resource.scope === 'Namespaced',
    showLabels: flags.showLabels,
    labelColumns: flags.labelColumns?.split(',').filter((key) => key !== ''),
  }
}

/** All pages. The objects are in the rows when the order asks for them. */
export async function readTable(
  { cluster, flags }: GetContext,
  query: Query,
): Promise<{ columns: NonNullable<Table['columnDefinitions']>; rows: TableRow[]; resourceVersion: string }> {
  const rows: TableRow[] = []
  let columns: Table['columnDefinitions']
  let resourceVersion = ''
  for (let next: string | undefined; ; ) {
    const list = query.name === undefined
    const parameters = queryString({
      labelSelector: list ? flags.selector : undefined,
      fieldSelector: list ? flags.fieldSelector : undefined,
      limit: list ? 500 : undefined,
      continue: next,
      includeObject: flags.sortBy === undefined ? undefined : 'Object',
    })
    const response = await cluster.client.raw({ method: 'GET', path: `${query.path}${parameters}`, headers: { accept: tableAccept } })
    const table = (await readAnswer(response)) as Table
    columns ??= table.columnDefinitions
    rows.push(...(table.rows ?? []))
    resourceVersion = table.metadata?.resourceVersion || (rows[0]?.object?.metadata?.resourceVersion ?? '')
    next = table.metadata?.continue
    if (!next) break
  }
  return {
    columns: columns ?? [],
    rows:
      flags.sortBy === undefined ? rows : (await import('../../print/sort-objects.js')).sortByPath(rows, flags.sortBy, (row) => row.object),
    resourceVersion,
  }
}

/** `No resources found in default namespace.` */
export function nothingFound({ flags }: GetContext, queries: readonly Query[]): string {
  const [query] = queries
  return flags.allNamespaces || query === undefined || query.namespace === undefined
    ? 'No resources found'
    : `No resources found in ${query.namespace} namespace.`
}
