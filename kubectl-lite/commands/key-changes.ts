import { isLabelValue, isQualifiedName } from '../../lib/api/names.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { getObject, patchObject } from '../cluster/objects.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'

/** `a=1` sets, `a-` removes. */
export interface KeyChanges {
  readonly set: Readonly<Record<string, string>>
  readonly remove: readonly string[]
}

interface Flags extends TargetFlags {
  readonly overwrite?: boolean
  readonly list?: boolean
  readonly dryRun: DryRun
  readonly resourceVersion?: string
}

/** The commands `label` and `annotate`, which differ in the field that they change. */
export function keyChangesCommand(field: 'labels' | 'annotations', verb: 'labeled' | 'annotated', manager: string): DefineCommand {
  return (command, cli) => {
    withTargetFlags(command.argument('<words...>', 'KIND NAME… or KIND/NAME…, then KEY=VALUE to set or KEY- to remove'))
      .option('--overwrite', 'replace values that are there')
      .option('--list', `print the ${field} instead`)
      .option('--resource-version <version>', 'only when the object is still at this version')
      .addOption(dryRunOption())
      .action(async (words: string[], flags: Flags) => {
        const { objects, changes } = splitWords(words, field)
        const count = Object.keys(changes.set).length + changes.remove.length
        if (flags.list && count > 0) throw new UsageError(`--list prints the ${field} and changes none: leave it out, or the changes`)
        const cluster = await cli.connect()
        const targets = await findTargets(cluster, objects, flags, cli.io)
        if (!flags.list && count === 0) throw new UsageError('name at least one change: KEY=VALUE or KEY-')
        await forEach(targets, cli.io, async (target) => {
          const live = await getObject(cluster.client, target.resource, target)
          const before = live.metadata[field] ?? {}
          if (flags.list) {
            for (const [key, value] of Object.entries(before)) await cli.io.out(`${key}=${value}\n`)
            return
          }
          const patch = patchOf(before, changes, flags.overwrite === true)
          const subject = printObject(target.resource, target.name)
          if (patch === undefined) return await cli.io.out(`${subject} not ${verb}\n`)
          if (flags.dryRun !== 'client') {
            const metadata = { [field]: patch, ...(flags.resourceVersion === undefined ? {} : { resourceVersion: flags.resourceVersion }) }
            await patchObject(
              cluster.client,
              target.resource,
              target,
              'merge',
              { metadata },
              { fieldManager: manager, dryRun: flags.dryRun === 'server' },
            )
          }
          const onlyRemoves = Object.keys(changes.set).length === 0
          const note = { none: '', client: ' (dry run)', server: ' (server dry run)' }[flags.dryRun]
          await cli.io.out(`${subject} ${onlyRemoves ? `un${verb}` : verb}${note}\n`)
        })
      })
  }
}

/** Words up to the first change name objects. */
export function splitWords(words: readonly string[], field: 'labels' | 'annotations'): { objects: string[]; changes: KeyChanges } {
  const isChange = (word: string): boolean => word.includes('=') || (/-$/.test(word) && word.length > 1)
  const first = words.findIndex(isChange)
  const objects = first < 0 ? [...words] : words.slice(0, first)
  const set: Record<string, string> = {}
  const remove: string[] = []
  for (const word of first < 0 ? [] : words.slice(first)) {
    const equals = word.indexOf('=')
    if (equals < 0 && word.endsWith('-')) remove.push(checkedKey(word.slice(0, -1)))
    else if (equals > 0) {
      const value = word.slice(equals + 1)
      if (field === 'labels' && !isLabelValue(value))
        throw new UsageError(
          `"${value}" is not a label value: at most 63 letters, digits, '-', '_' and '.', beginning and ending with a letter or digit`,
        )
      set[checkedKey(word.slice(0, equals))] = value
    } else throw new UsageError(`"${word}" is neither KEY=VALUE nor KEY-`)
  }
  const both = remove.find((key) => Object.hasOwn(set, key))
  if (both !== undefined) throw new UsageError(`cannot both set and remove "${both}"`)
  return { objects, changes: { set, remove } }
}

function checkedKey(key: string): string {
  if (!isQualifiedName(key))
    throw new UsageError(`"${key}" is not a key: [PREFIX/]NAME with at most 63 letters, digits, '-', '_' and '.' in the name`)
  return key
}

/** The merge patch, or undefined when nothing changes. Throws UsageError where a value would be replaced unasked. */
function patchOf(
  before: Readonly<Record<string, string>>,
  changes: KeyChanges,
  overwrite: boolean,
): Record<string, string | null> | undefined {
  const patch: Record<string, string | null> = {}
  for (const [key, value] of Object.entries(changes.set)) {
    const old = Object.hasOwn(before, key) ? before[key] : undefined
    if (old === value) continue
    if (old !== undefined && !overwrite) throw new UsageError(`'${key}' already has a value (${old}), and --overwrite is false`)
    patch[key] = value
  }
  for (const key of changes.remove) if (Object.hasOwn(before, key)) patch[key] = null
  return Object.keys(patch).length === 0 ? undefined : patch
}
