import type { KubeObject } from '../../lib/api/define-kind.js'

/** meta.k8s.io/v1 Table, as the server makes it. */
export interface Table {
  readonly kind: 'Table'
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly columnDefinitions?: readonly { readonly name: string; readonly type?: string; readonly priority?: number }[] | null
  readonly rows?: readonly TableRow[] | null
}

export interface TableRow {
  readonly cells: readonly unknown[]
  readonly object?: Partial<KubeObject>
}

export interface TableFlags {
  /** Columns of every priority. */
  readonly wide?: boolean | undefined
  readonly withNamespace?: boolean | undefined
  readonly showLabels?: boolean | undefined
  /** Label keys that get a column each. */
  readonly labelColumns?: readonly string[] | undefined
  /** Put before each name: `task.millrace.dev/`. */
  readonly namePrefix?: string | undefined
}

/** The header and the rows as text cells. */
export function tableCells(
  columns: NonNullable<Table['columnDefinitions']>,
  rows: readonly TableRow[],
  flags: TableFlags,
): { header: string[]; rows: string[][] } {
  const shown = columns.map((column, index) => ({ ...column, index })).filter((column) => flags.wide || (column.priority ?? 0) === 0)
  const labelColumns = flags.labelColumns ?? []
  const header = [
    ...(flags.withNamespace ? ['NAMESPACE'] : []),
    ...shown.map((column) => column.name.toUpperCase()),
    ...labelColumns.map((key) => (key.split('/').at(-1) ?? key).toUpperCase()),
    ...(flags.showLabels ? ['LABELS'] : []),
  ]
  return {
    header,
    rows: rows.map((row) => {
      const labels = row.object?.metadata?.labels ?? {}
      return [
        ...(flags.withNamespace ? [row.object?.metadata?.namespace ?? ''] : []),
        ...shown.map((column, place) => `${place === 0 ? (flags.namePrefix ?? '') : ''}${cellText(row.cells[column.index])}`),
        ...labelColumns.map((key) => labels[key] ?? ''),
        ...(flags.showLabels ? [printLabels(labels)] : []),
      ]
    }),
  }
}

/** `a=1,b=2`, or `<none>`. */
export function printLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([left], [right]) => (left < right ? -1 : 1))
  return pairs.length === 0 ? '<none>' : pairs.map(([key, value]) => `${key}=${value}`).join(',')
}

function cellText(cell: unknown): string {
  if (cell === null || cell === undefined) return '<none>'
  const text = typeof cell === 'object' ? JSON.stringify(cell) : String(cell)
  const firstLine = text.split(/[\n\r\f]/, 1)[0] ?? ''
  return escapeControls(firstLine.length < text.length ? `${firstLine}...` : firstLine)
}

/** Text from a cluster must not move the cursor or set colours of the reader's terminal. */
export function escapeControls(text: string): string {
  return text.replaceAll(/[^\P{Cc}\t\n]/gu, (char) => `^${String.fromCharCode((char.charCodeAt(0) & 0x1f) + 0x40)}`)
}
