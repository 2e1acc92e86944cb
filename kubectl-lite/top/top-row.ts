import { amountOf } from './print-use.js'

/** A line of `top`, and what it is sorted by. */
export interface TopRow {
  readonly cells: readonly string[]
  readonly name: string
  readonly usage: Readonly<Record<string, string | number>> | undefined
}

export const sortKeys = ['name', 'cpu', 'memory'] as const
export type SortKey = (typeof sortKeys)[number]

/** By name, or by what uses most; what is unknown comes last. */
export function sortRows(rows: readonly TopRow[], key: SortKey): TopRow[] {
  if (key === 'name') return [...rows]
  const amount = ({ usage }: TopRow) => amountOf(usage, key) ?? -1
  return [...rows].sort((a, b) => amount(b) - amount(a))
}
