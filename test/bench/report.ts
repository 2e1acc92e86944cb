import type { Measurement } from './measure.js'

/** The figures as a Markdown table. */
export function printTable(measurements: readonly Measurement[]): string {
  const head = ['#', 'what', 'ours', 'spread', 'beside it', 'ratio', 'goal', 'reached']
  const body = measurements.map(({ row, what, unit, ours, spread, peer, goal, reached }) => [
    String(row),
    what,
    `${print(ours)} ${unit}`,
    spread ? `${print(spread.low)}–${print(spread.high)}` : '',
    peer ? `${print(peer.value)} ${unit} (${peer.name})` : '',
    peer ? (ours / peer.value).toFixed(2) : '',
    goal,
    reached === undefined ? '' : reached ? 'yes' : 'no',
  ])
  const widths = head.map((title, column) => Math.max(title.length, ...body.map((cells) => cells[column]?.length ?? 0)))
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...body.map(line)].join('\n')
}

function print(value: number): string {
  if (!Number.isFinite(value)) return '?'
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}
