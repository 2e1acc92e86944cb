/** `taint`: what keeps workloads away from nodes. */
import type { Taint } from '../../lib/api/kinds/node.js'
import { isLabelValue, isQualifiedName } from '../../lib/api/names.js'
import type { DefineCommand } from '../cli/cli.js'
import { didYouMean } from '../cli/did-you-mean.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { patchObject } from '../cluster/objects.js'
import { findNodes } from './cordon.js'

const effects = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'] as const

/** `key=value:Effect` sets; `key:Effect-` and `key-` remove. */
export interface TaintChange {
  readonly key: string
  readonly value?: string | undefined
  readonly effect?: Taint['effect'] | undefined
  readonly remove: boolean
}

interface Flags {
  readonly selector?: string
  readonly overwrite?: boolean
  readonly dryRun: DryRun
}

export const taint: DefineCommand = (command, cli) => {
  command
    .argument('<words...>', 'node NAME…, then KEY=VALUE:EFFECT to set, KEY:EFFECT- or KEY- to remove')
    .option('-l, --selector <selector>', 'nodes by label')
    .option('--overwrite', 'replace taints that are there')
    .addOption(dryRunOption())
    .addHelpText('after', `\nEffects: ${effects.join(', ')}.\nExample: kubectl-lite taint node n1 gpu=broken:NoSchedule`)
    .action(async (words: string[], flags: Flags) => {
      const [kind, ...rest] = words
      if (!kind || !['node', 'nodes', 'no'].includes(kind))
        throw new UsageError('only nodes have taints: kubectl-lite taint node NAME KEY=VALUE:EFFECT')
      const names = rest.filter((word) => !/[=:]|-$/.test(word))
      const changes = rest.filter((word) => /[=:]|-$/.test(word)).map(parseTaintChange)
      if (changes.length === 0) throw new UsageError('name at least one taint: KEY=VALUE:EFFECT, or KEY:EFFECT- to remove one')
      const cluster = await cli.connect()
      const resource = await cluster.discovery.findOne('nodes')
      await forEach(await findNodes(cluster, names, flags.selector), cli.io, async (node) => {
        const before = (node.spec as { taints?: Taint[] } | undefined)?.taints ?? []
        const after = changeTaints(before, changes, flags.overwrite === true)
        const patch = { metadata: { resourceVersion: node.metadata.resourceVersion }, spec: { taints: after.length > 0 ? after : null } }
        if (flags.dryRun !== 'client')
          await patchObject(cluster.client, resource, { name: node.metadata.name }, 'merge', patch, {
            fieldManager: 'kubectl-taint',
            dryRun: flags.dryRun === 'server',
          })
        const verb = changes.every((change) => change.remove) ? 'untainted' : 'tainted'
        await cli.io.out(printDone(printObject(resource, node.metadata.name), verb, flags.dryRun))
      })
    })
}

function parseTaintChange(text: string): TaintChange {
  const remove = text.endsWith('-')
  const match = /^([^=:]+)(?:=([^:]*))?(?::(.+))?$/.exec(remove ? text.slice(0, -1) : text)
  const [, key = '', value, effect] = match ?? []
  if (!isQualifiedName(key)) throw new UsageError(`"${text}" is not KEY=VALUE:EFFECT, KEY:EFFECT- or KEY-`)
  if (value !== undefined && !isLabelValue(value))
    throw new UsageError(`"${value}" is not a taint value: at most 63 letters, digits, '-', '_' and '.'`)
  const known = effects.find((each) => each === effect)
  if (effect !== undefined && known === undefined)
    throw new UsageError(`"${effect}" is no effect; there are ${effects.join(', ')}.${didYouMean(effect, effects)}`)
  if (!remove && known === undefined) throw new UsageError(`"${text}" names no effect: ${key}=VALUE:NoSchedule, for instance`)
  return { key, value, effect: known, remove }
}

/** A taint is one key and effect. Throws UsageError where one would be replaced unasked, or removed that is not there. */
function changeTaints(before: readonly Taint[], changes: readonly TaintChange[], overwrite: boolean): Taint[] {
  let taints = [...before]
  for (const { key, value, effect, remove } of changes) {
    const isMeant = (taint: Taint): boolean => taint.key === key && (effect === undefined || taint.effect === effect)
    if (remove) {
      if (!taints.some(isMeant)) throw new UsageError(`taint "${key}${effect === undefined ? '' : `:${effect}`}" not found`)
      taints = taints.filter((taint) => !isMeant(taint))
    } else if (effect !== undefined) {
      if (taints.some(isMeant) && !overwrite)
        throw new UsageError(`the node already has a taint ${key} with effect ${effect}, and --overwrite is false`)
      taints = [...taints.filter((taint) => !isMeant(taint)), { key, ...(value ? { value } : {}), effect }]
    }
  }
  return taints
}
