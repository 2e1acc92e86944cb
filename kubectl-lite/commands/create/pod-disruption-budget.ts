import type { Command } from 'commander'
import { PodDisruptionBudget } from '../../../lib/api/kinds/pod-disruption-budget.js'
import { type LabelRequirement, parseLabelSelector } from '../../../lib/api/label-selector.js'
import type { LabelSelectorObject } from '../../../lib/api/label-selector-object.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { type CreateFlags, createOne } from './create-one.js'

interface BudgetFlags extends CreateFlags {
  readonly selector?: string
  readonly minAvailable?: string
  readonly maxUnavailable?: string
}

export const createPodDisruptionBudget: DefineCommand = (command, cli) => {
  command
    .command('poddisruptionbudget')
    .alias('pdb')
    .description('how many of some Tasks stay up when people evict them')
    .argument('<name>')
    .requiredOption('--selector <selector>', 'which Tasks, by label')
    .option('--min-available <amount>', 'how many must stay healthy: 2, or 50%')
    .option('--max-unavailable <amount>', 'how many may be unhealthy: 1, or 25%')
    .action((name: string, _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<BudgetFlags>()
      return createOne(cli, PodDisruptionBudget, flags, name, () => ({ spec: specOf(flags) }))
    })
}

function specOf({ selector = '', minAvailable, maxUnavailable }: BudgetFlags): object {
  if ((minAvailable === undefined) === (maxUnavailable === undefined))
    throw new UsageError('say with --min-available how many stay, or with --max-unavailable how many may go: one of the two')
  const amount = minAvailable === undefined ? { maxUnavailable: amountOf(maxUnavailable) } : { minAvailable: amountOf(minAvailable) }
  return { ...amount, selector: selectorObject(parseLabelSelector(selector)) }
}

const amountOf = (text = '') => (/^-?\d+$/.test(text) ? Number(text) : text)

const operators = { in: 'In', notin: 'NotIn', '!=': 'NotIn', exists: 'Exists', absent: 'DoesNotExist' } as const

function selectorObject(requirements: readonly LabelRequirement[]): LabelSelectorObject {
  const equal = requirements.filter(({ operator }) => operator === '=')
  const others = requirements.filter(({ operator }) => operator !== '=')
  return {
    ...(equal.length > 0 ? { matchLabels: Object.fromEntries(equal.map(({ key, values }) => [key, values[0] ?? ''])) } : {}),
    ...(others.length > 0 ? { matchExpressions: others.map(expressionOf) } : {}),
  }
}

function expressionOf({ key, operator, values }: LabelRequirement) {
  if (operator === '>' || operator === '<' || operator === '=')
    throw new UsageError(`${key}${operator} is nothing that a budget can select by`)
  return { key, operator: operators[operator], ...(values.length > 0 ? { values: [...values] } : {}) }
}
