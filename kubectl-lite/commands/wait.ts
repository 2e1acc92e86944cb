/** `wait`: until objects have a condition, a value at a path, exist or are gone. */
import { isNotFound } from '../../lib/api/api-error.js'
import type { Condition } from '../../lib/api/condition.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { compileJsonPath } from '../../lib/api/json-path.js'
import type { DefineCommand } from '../cli/cli.js'
import { ExitError, UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { deadline, parseDuration, TimedOut } from '../cli/timeout.js'
import { printObject } from '../cluster/api-resource.js'
import { followObject, untilGone } from '../cluster/follow-object.js'
import { getObject } from '../cluster/objects.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'
import { printValue } from '../print/template.js'

interface Flags extends TargetFlags {
  readonly for: string
  readonly timeout: number
}

/** What is waited for. */
export interface Goal {
  /** `condition met`, as it is printed. */
  readonly words: string
  /** For the sentence when time is up. */
  readonly description: string
  isMet(object: KubeObject | undefined): boolean
}

export const wait: DefineCommand = (command, cli) => {
  withTargetFlags(command.argument('[words...]', 'KIND NAME… or KIND/NAME… or KIND with -l or --all'))
    .requiredOption('--for <goal>', 'condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete')
    .option('--timeout <duration>', 'how long at most; 0 looks once, below 0 waits a week', parseDuration, 30_000)
    .addHelpText(
      'after',
      "\nExamples:\n  kubectl-lite wait task/hello --for=condition=Complete\n  kubectl-lite wait task/hello --for=jsonpath='{.status.phase}'=Succeeded --timeout=2m",
    )
    .action(async (words: string[], flags: Flags) => {
      const goal = parseGoal(flags.for)
      const cluster = await cli.connect()
      const targets = await findTargets(cluster, words, flags, cli.io)
      if (targets.length === 0) throw new ExitError('notFound', 'no matching resources found')
      const signal = deadline(cli.io.signal, flags.timeout < 0 ? 7 * 24 * 3_600_000 : flags.timeout)
      await forEach(targets, cli.io, async (target) => {
        const subject = printObject(target.resource, target.name)
        const late = new ExitError('timedOut', `timed out waiting for ${goal.description} on ${target.resource.plural}/${target.name}`)
        try {
          if (flags.for === 'delete') {
            const live = await getObject(cluster.client, target.resource, target).catch((error: unknown) => {
              if (isNotFound(error)) return undefined
              throw error
            })
            if (live && flags.timeout === 0) throw late
            if (live) await untilGone(cluster, target, live.metadata.uid, signal)
          } else {
            // What is not there cannot come to be in a state: that is a failure now, unless its creation is the goal.
            const live = flags.for === 'create' ? undefined : await getObject(cluster.client, target.resource, target)
            if (flags.timeout === 0 && !goal.isMet(live)) throw late
            if (!goal.isMet(live)) await followObject(cluster, target, (object) => goal.isMet(object), signal)
          }
        } catch (error) {
          throw signal.reason instanceof TimedOut && !isNotFound(error) ? late : error
        }
        await cli.io.out(`${subject} ${goal.words}\n`)
      })
    })
}

/** Throws UsageError. */
function parseGoal(text: string): Goal {
  if (text === 'delete') return { words: 'deleted', description: 'the deletion', isMet: (object) => object === undefined }
  if (text === 'create') return { words: 'created', description: 'the creation', isMet: (object) => object !== undefined }
  if (text.startsWith('condition=')) return conditionGoal(text.slice('condition='.length))
  if (text.startsWith('jsonpath=')) return jsonPathGoal(text.slice('jsonpath='.length))
  throw new UsageError(`--for=${text} is not known: condition=NAME[=VALUE], jsonpath={PATH}[=VALUE], create or delete`)
}

function conditionGoal(text: string): Goal {
  const equals = text.indexOf('=')
  const name = equals < 0 ? text : text.slice(0, equals)
  const value = equals < 0 ? 'True' : text.slice(equals + 1)
  if (name === '') throw new UsageError('--for=condition= needs a name: --for=condition=Complete')
  return {
    words: 'condition met',
    description: `the condition ${name}=${value}`,
    isMet: (object) => {
      if (!object) return false
      const conditions = (object.status as { conditions?: Condition[] } | undefined)?.conditions ?? []
      const condition = conditions.find(({ type }) => type.toLowerCase() === name.toLowerCase())
      // A condition that speaks of an older spec says nothing about this one.
      const observed = condition?.observedGeneration
      if (observed !== undefined && object.metadata.generation !== undefined && observed < object.metadata.generation) return false
      return condition?.status.toLowerCase() === value.toLowerCase()
    },
  }
}

function jsonPathGoal(text: string): Goal {
  const unquoted = text.replace(/^'(.*)'$/, '$1')
  const match = /^\{([^{}]*(?:"[^"]*"[^{}]*)*)\}(?:=(.*))?$/s.exec(unquoted) ?? /^([^=]+)(?:=(.*))?$/s.exec(unquoted)
  if (!match?.[1]) throw new UsageError(`--for=jsonpath=${text} cannot be read: --for=jsonpath='{.status.phase}'=Succeeded`)
  const [, path, wanted] = match
  let select: ReturnType<typeof compileJsonPath>
  try {
    select = compileJsonPath(path)
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
  return {
    words: 'condition met',
    description: `${path}${wanted === undefined ? '' : `=${wanted}`}`,
    isMet: (object) => {
      const [value] = object === undefined ? [] : select(object)
      if (value === undefined || value === null) return false
      return wanted === undefined || printValue(value) === wanted.replace(/^(["'])(.*)\1$/, '$2')
    },
  }
}
