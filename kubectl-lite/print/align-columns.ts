import { displayWidth } from './display-width.js'
import type { Paint } from './paint.js'

const gap = 3
const narrowest = 6

/**
 * Lines with columns under each other, three spaces apart. `widths` is kept between calls, so that the rows of a watch stay in line; wider
 * cells widen it.
 */
export function alignColumns(rows: readonly (readonly string[])[], widths: number[] = [], paint: Paint = (padded) => padded): string {
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? narrowest, displayWidth(cell) + gap)
  const line = (row: readonly string[]): string => {
    const last = row.findLastIndex((cell) => cell !== '')
    return row
      .slice(0, last + 1)
      .map((cell, column) => {
        const room = column === last ? 0 : (widths[column] ?? 0) - displayWidth(cell)
        return paint(cell + ' '.repeat(room), cell)
      })
      .join('')
  }
  return rows.map((row) => `${line(row)}\n`).join('')
}
