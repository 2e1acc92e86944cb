import type { Kind } from './define-kind.js'
import type { JsonSchema } from './schema/json-schema.js'

/** The reference page of a kind, in Markdown, from its declaration alone. */
export function referencePage(kind: Kind): string {
  const { metadata: _standard, apiVersion: _apiVersion, kind: _kind, ...own } = kind.schema.properties ?? {}
  const facts: [string, string][] = [
    ['apiVersion', `\`${kind.apiVersion}\``],
    ['Names', [kind.plural, kind.singular, ...kind.shortNames].map((name) => `\`${name}\``).join(', ')],
    ['Scope', kind.scope === 'Namespaced' ? 'in a namespace' : 'the cluster'],
    ['Subresources', list(kind.subresources)],
    ['Conditions', list(kind.conditions)],
    [
      'Field selectors',
      list(['metadata.name', ...(kind.scope === 'Namespaced' ? ['metadata.namespace'] : []), ...kind.indexed, ...kind.selectable]),
    ],
    ['History', kind.history === 'keep' ? 'old revisions are kept for `kubectl-lite history`' : 'only the newest revision is kept'],
    ...(kind.encrypted ? [['At rest', 'sealed'] as [string, string]] : []),
  ]
  return [
    `# ${kind.kind}`,
    '',
    kind.description,
    '',
    '| | |',
    '|---|---|',
    ...facts.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    '## Columns of `get`',
    '',
    '| column | value | shown |',
    '|---|---|---|',
    '| Name | `.metadata.name` | always |',
    ...kind.columns.map(
      (column) => `| ${column.name} | \`${escapeCell(column.jsonPath)}\` | ${(column.priority ?? 0) > 0 ? 'with `-o wide`' : 'always'} |`,
    ),
    '',
    '## Fields',
    '',
    'Required fields are **bold**. The fields of `metadata` are the standard ones.',
    '',
    '| field | type | what it is |',
    '|---|---|---|',
    ...Object.entries(own).flatMap(([name, schema]) => rows(schema, name, kind.schema.required?.includes(name) ?? false)),
    '',
  ].join('\n')
}

function rows(schema: JsonSchema, path: string, required: boolean): string[] {
  const fallback = schema.default === undefined ? '' : ` Default: \`${JSON.stringify(schema.default)}\`.`
  const own = `| ${required ? `**\`${path}\`**` : `\`${path}\``} | ${typeName(schema)} | ${escapeCell(schema.description ?? '')}${fallback} |`
  return [own, ...children(schema, path)]
}

function children(schema: JsonSchema, path: string): string[] {
  if (schema.items) return children(schema.items, `${path}[]`)
  if (typeof schema.additionalProperties === 'object') return children(schema.additionalProperties, `${path}.*`)
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) =>
    rows(child, `${path}.${name}`, schema.required?.includes(name) ?? false),
  )
}

function typeName(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(' ')
  if (schema['x-kubernetes-int-or-string']) return schema.format === 'quantity' ? 'quantity' : 'integer or string'
  if (schema.items) return `list of ${typeName(schema.items)}`
  if (typeof schema.additionalProperties === 'object') return `map of ${typeName(schema.additionalProperties)}`
  return schema.format === 'date-time' ? 'time' : schema.format === 'byte' ? 'base64' : (schema.type ?? 'any')
}

const list = (names: readonly string[]) => (names.length === 0 ? 'none' : names.map((name) => `\`${name}\``).join(', '))
const escapeCell = (text: string) => text.replaceAll('|', '\\|')
