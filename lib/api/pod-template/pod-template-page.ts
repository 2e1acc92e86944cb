import { printJson } from '../json/print-json.js'
import { type ForeignField, foreignFields } from './foreign-field.js'
import { PodTemplateSchema } from './pod-template.js'

/** The page about the fields of a Pod template that Millrace does not have, in Markdown, from their declarations. */
export function podTemplatePage(): string {
  const fields = [...foreignFields(PodTemplateSchema.json)]
  const rows = (chosen: typeof fields) => chosen.map(({ path, field }) => `| \`${path}\` | ${valuesOf(field)}${field.why} |`)
  return [
    '# Fields of Pod templates that Millrace does not have',
    '',
    'A Deployment, a ReplicaSet and whatever else has a Pod template keep Tasks: the template becomes the spec of a Task, which is one container. The fields',
    'that are converted are in the pages of the kinds. These are not, and none is passed over: any other value than those listed is refused with 422,',
    'FieldValueNotSupported and the path of the field.',
    '',
    '## Taken, where the value says what happens anyway',
    '',
    '| field | values | why nothing is lost |',
    '|---|---|---|',
    ...rows(fields.filter(({ field }) => field.harmless.length > 0)),
    '',
    '## Always refused',
    '',
    '| field | why |',
    '|---|---|',
    ...rows(fields.filter(({ field }) => field.harmless.length === 0)),
    '',
  ].join('\n')
}

function valuesOf({ harmless }: ForeignField): string {
  if (harmless === 'all') return 'all: Kubernetes does not read it either | '
  return harmless.length === 0 ? '' : `${harmless.map((value) => `\`${printJson(value)}\``).join(', ')} | `
}
