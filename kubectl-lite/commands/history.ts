/** `history`: who changed what of an object, revision by revision, and where the record begins. */
import { Option } from 'commander'
import { printJson } from '../../lib/api/json/print-json.js'
import type { DefineCommand } from '../cli/cli.js'
import type { Cluster } from '../cluster/cluster.js'
import { createProcedures, unwrapProcedureError } from '../cluster/procedures.js'
import { findTargets, type Target } from '../cluster/target-objects.js'
import { printPrettyJson, printYaml } from '../print/print-object.js'
import { escapeControls } from '../print/table.js'

export const history: DefineCommand = (command, cli) => {
  command
    .argument('<object...>', 'KIND NAME… or KIND/NAME…; an object that was deleted too')
    .addOption(new Option('-o, --output <format>', 'json or yaml').choices(['json', 'yaml']))
    .action(async (words: string[], flags: { output?: 'json' | 'yaml' }) => {
      const cluster = await cli.connect()
      for (const target of await findTargets(cluster, words, {}, cli.io)) {
        const answer = await readHistory(cluster, target)
        if (flags.output === 'json') await cli.io.out(printPrettyJson(answer))
        else if (flags.output === 'yaml') await cli.io.out(await printYaml(answer))
        else await cli.io.out(printHistory(answer))
      }
    })
}

async function readHistory(cluster: Cluster, { resource, namespace, name }: Target) {
  try {
    return await createProcedures(cluster).history.query({
      group: resource.group,
      resource: resource.plural,
      namespace: namespace ?? '',
      name,
    })
  } catch (error) {
    throw unwrapProcedureError(error)
  }
}

type History = Awaited<ReturnType<typeof readHistory>>

const verbs = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' } as const

/** One paragraph per revision, oldest first. */
function printHistory(answer: History): string {
  const lines = [`Window: ${answer.window.text}`]
  for (const revision of answer.revisions) {
    lines.push('', `${revision.revision}  ${revision.time}  ${verbs[revision.type]} by ${revision.actor}`)
    for (const { path, from, to } of revision.changes ?? []) lines.push(`    ${path}${printChange(from, to)}`)
    if (revision.type === 'MODIFIED' && revision.changes?.length === 0) lines.push('    (no field that is shown)')
  }
  return lines.map((line) => `${escapeControls(line)}\n`).join('')
}

/** Where neither side is shown, as of Secrets, only the field is named. */
function printChange(from: unknown, to: unknown): string {
  if (from === undefined && to === undefined) return ''
  if (from === undefined) return `: set to ${printJson(to)}`
  if (to === undefined) return `: removed (was ${printJson(from)})`
  return `: ${printJson(from)} -> ${printJson(to)}`
}
