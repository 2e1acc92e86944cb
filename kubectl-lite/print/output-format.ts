import { UsageError } from '../cli/exit-code.js'
import type { CustomColumns } from './custom-columns.js'
import type { Template } from './template.js'

/** What `-o` asks for. */
export type OutputFormat =
  | { readonly type: 'table'; readonly wide: boolean }
  | { readonly type: 'json' | 'yaml' | 'name' }
  | { readonly type: 'template'; readonly template: Template }
  | { readonly type: 'columns'; readonly columns: CustomColumns }

const formats = ['wide', 'json', 'yaml', 'name', 'jsonpath', 'custom-columns']

/** Rejects with UsageError for a format that is not known. What few formats need is loaded for them alone. */
export async function parseOutputFormat(text: string | undefined): Promise<OutputFormat> {
  if (text === undefined || text === '') return { type: 'table', wide: false }
  const equals = text.indexOf('=')
  const name = equals < 0 ? text : text.slice(0, equals)
  const argument = equals < 0 ? '' : text.slice(equals + 1)
  switch (name) {
    case 'wide':
      return { type: 'table', wide: true }
    case 'json':
    case 'yaml':
    case 'name':
      return { type: name }
    case 'jsonpath':
      if (argument === '') throw new UsageError('-o jsonpath needs a template: -o jsonpath={.status.phase}')
      return { type: 'template', template: (await import('./template.js')).compileTemplate(argument) }
    case 'custom-columns':
      if (argument === '') throw new UsageError('-o custom-columns needs columns: -o custom-columns=NAME:.metadata.name')
      return { type: 'columns', columns: (await import('./custom-columns.js')).parseCustomColumns(argument) }
    default: {
      const { didYouMean } = await import('../cli/did-you-mean.js')
      throw new UsageError(
        `unable to match a printer suitable for the output format "${name}"; allowed formats are: ${formats.join(', ')}.${didYouMean(name, formats)}`,
      )
    }
  }
}
