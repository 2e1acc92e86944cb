import { escapeControls, printLabels } from '../print/table.js'

export type Field = readonly [name: string, value: string | undefined]

/** Lines of `Name:  value`, with the values under each other. Undefined values are left out. */
export function fieldLines(fields: readonly Field[], indent = 0): string {
  const shown = fields.filter((field): field is readonly [string, string] => field[1] !== undefined)
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 3
  const pad = ' '.repeat(indent)
  return shown
    .map(([name, value]) => {
      const [first = '', ...rest] = value.split('\n')
      const lines = [`${pad}${`${name}:`.padEnd(width)}${escapeControls(first)}`.trimEnd()]
      for (const line of rest) lines.push(`${pad}${' '.repeat(width)}${escapeControls(line)}`)
      return `${lines.join('\n')}\n`
    })
    .join('')
}

/** Labels or annotations, one a line; what tools keep for themselves is left out. */
export function keyLines(pairs: Readonly<Record<string, string>> | undefined): string {
  const shown = Object.entries(pairs ?? {}).filter(([key]) => key !== 'kubectl.kubernetes.io/last-applied-configuration')
  if (shown.length === 0) return '<none>'
  return shown.map(([key, value]) => printLabels({ [key]: value })).join('\n')
}
