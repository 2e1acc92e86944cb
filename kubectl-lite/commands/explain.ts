/** `explain`: the fields of a kind, from the server's OpenAPI document. */
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import type { DefineCommand } from '../cli/cli.js'
import { didYouMean } from '../cli/did-you-mean.js'
import { UsageError } from '../cli/exit-code.js'
import { fieldsOf, type KindSchema, readSchema } from '../schema/read-schema.js'

interface Flags {
  readonly recursive?: boolean
}

export const explain: DefineCommand = (command, cli) => {
  command
    .argument('<path>', 'KIND, or KIND.FIELD.FIELD: task.spec.env')
    .option('--recursive', 'all fields below too')
    .action(async (path: string, flags: Flags) => {
      const cluster = await cli.connect()
      const [word = '', ...fields] = path.split('.')
      const resource = await cluster.discovery.findOne(word)
      const schema = await readSchema(cluster, resource)
      const group = resource.group === '' ? '' : `GROUP:      ${resource.group}\n`
      const head = `${group}KIND:       ${resource.kind}\nVERSION:    ${resource.version}\n\n`
      await cli.io.out(head + printField(schema, fields, word, flags.recursive === true))
    })
}

/** The text about the field at a path; an empty path is the kind itself. */
function printField(schema: KindSchema, path: readonly string[], kind: string, recursive: boolean): string {
  let at = schema.resolve(schema.root)
  let walked = kind
  for (const name of path) {
    const fields = fieldsOf(schema, at)
    const next = fields[name]
    if (!next) throw new UsageError(`field "${name}" does not exist in ${walked}.${didYouMean(name, Object.keys(fields))}`)
    at = schema.resolve(next)
    walked += `.${name}`
  }
  const field = path.at(-1)
  const children = Object.entries(fieldsOf(schema, at)).sort(([left], [right]) => (left < right ? -1 : 1))
  const required = new Set(schema.resolve(at.items ?? at).required ?? [])
  return [
    field === undefined ? '' : `FIELD: ${field} <${typeName(schema, at)}>\n\n`,
    `DESCRIPTION:\n${indent(describe(at), 4)}\n`,
    children.length === 0 ? '' : 'FIELDS:\n',
    ...children.map(([name, child]) => printChild(schema, name, schema.resolve(child), required.has(name), recursive, 2)),
  ].join('')
}

function printChild(schema: KindSchema, name: string, child: JsonSchema, required: boolean, recursive: boolean, depth: number): string {
  const line = `${' '.repeat(depth)}${name}\t<${typeName(schema, child)}>${required ? ' -required-' : ''}\n`
  if (!recursive) return `${line}${indent(describe(child), depth + 2)}\n`
  const inner = Object.entries(fieldsOf(schema, child)).sort(([left], [right]) => (left < right ? -1 : 1))
  const innerRequired = new Set(schema.resolve(child.items ?? child).required ?? [])
  const values = child.enum ? `${' '.repeat(depth + 2)}one of: ${child.enum.map((value) => JSON.stringify(value)).join(', ')}\n` : ''
  return (
    line +
    values +
    inner.map(([key, value]) => printChild(schema, key, schema.resolve(value), innerRequired.has(key), recursive, depth + 2)).join('')
  )
}

function describe(schema: JsonSchema): string {
  return [
    schema.description ?? '<no description>',
    ...(schema.enum ? [`Possible values: ${schema.enum.map((value) => JSON.stringify(value)).join(', ')}`] : []),
    ...(schema.default === undefined ? [] : [`Default: ${JSON.stringify(schema.default)}`]),
  ].join('\n')
}

function typeName(schema: KindSchema, given: JsonSchema): string {
  const at = schema.resolve(given)
  if (at['x-kubernetes-int-or-string']) return 'IntOrString'
  if (at.type === 'array') return `[]${at.items ? typeName(schema, at.items) : 'Object'}`
  if (at.type === 'object' && typeof at.additionalProperties === 'object') return `map[string]${typeName(schema, at.additionalProperties)}`
  return at.type === undefined || at.type === 'object' ? 'Object' : at.type
}

function indent(text: string, spaces: number): string {
  return text
    .split('\n')
    .map((line) => `${' '.repeat(spaces)}${line}\n`)
    .join('')
}
