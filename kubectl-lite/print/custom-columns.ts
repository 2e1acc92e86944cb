import { compileJsonPath, type JsonPath } from '../../lib/api/json-path.js'
import { UsageError } from '../cli/exit-code.js'
import { escapeControls } from './table.js'
import { printValue } from './template.js'

export interface CustomColumns {
  readonly header: string[]
  row(object: unknown): string[]
}

/** `NAME:.metadata.name,NODE:.spec.nodeName`. Throws UsageError. */
export function parseCustomColumns(text: string): CustomColumns {
  const columns = text.split(/,(?=[^,:[\]]+:)/).map((part): { name: string; select: JsonPath } => {
    const colon = part.indexOf(':')
    if (colon < 1 || colon === part.length - 1)
      throw new UsageError(`custom-columns: "${part}" is not NAME:PATH, as in NAME:.metadata.name,NODE:.spec.nodeName`)
    try {
      return { name: part.slice(0, colon), select: compileJsonPath(part.slice(colon + 1)) }
    } catch (error) {
      throw new UsageError(`custom-columns: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
  return {
    header: columns.map((column) => column.name),
    row: (object) => columns.map(({ select }) => escapeControls(select(object).map(printValue).join(',')) || '<none>'),
  }
}
