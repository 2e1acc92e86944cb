/** `delete`: asks for the deletion of objects, and waits until they are gone. */
import { Option } from 'commander'
import { isNotFound } from '../../lib/api/api-error.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption } from '../cli/dry-run.js'
import { ExitError, UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { deadline, parseDuration, TimedOut } from '../cli/timeout.js'
import { qualifiedSingular } from '../cluster/api-resource.js'
import { untilGone } from '../cluster/follow-object.js'
import { deleteObject, getObject } from '../cluster/objects.js'
import { findTargets, type Target, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'

interface Flags extends TargetFlags {
  readonly cascade: 'background' | 'foreground' | 'orphan'
  readonly gracePeriod?: string
  readonly now?: boolean
  readonly force?: boolean
  readonly wait: string | boolean
  readonly timeout?: number
  readonly ignoreNotFound?: boolean
  readonly dryRun: DryRun
  readonly output?: string
}

export const deleteCommand: DefineCommand = (command, cli) => {
  withTargetFlags(command.argument('[words...]', 'KIND NAME… or KIND/NAME… or KIND with -l or --all'))
    .addOption(
      new Option('--cascade <how>', 'what happens to objects that it owns')
        .choices(['background', 'foreground', 'orphan'])
        .default('background'),
    )
    .option('--grace-period <seconds>', 'seconds to end gracefully')
    .option('--now', 'the same as --grace-period=1')
    .option('--force', 'the same as --grace-period=0')
    .addOption(new Option('--wait [yes]', 'wait until the objects are gone').choices(['true', 'false']).default('true').preset('true'))
    .option('--timeout <duration>', 'how long to wait at most (default: for ever)', parseDuration)
    .option('--ignore-not-found', 'an absent object is no failure')
    .addOption(dryRunOption())
    .option('-o, --output <format>', 'name: print names only')
    .action(async (words: string[], flags: Flags) => {
      if (flags.output !== undefined && flags.output !== 'name') throw new UsageError('delete prints names only: -o name')
      const gracePeriodSeconds = gracePeriod(flags)
      const cluster = await cli.connect()
      const targets = await findTargets(cluster, words, flags, cli.io)
      if (targets.length === 0) cli.io.err('No resources found\n')
      const gone: { target: Target; uid: string | undefined }[] = []
      const ignoresAbsence = flags.ignoreNotFound === true || flags.all === true || flags.selector !== undefined
      const show = async ({ resource, name }: Target): Promise<void> => {
        const note = { none: '', client: ' (dry run)', server: ' (server dry run)' }[flags.dryRun]
        const verb = flags.force ? 'force deleted' : 'deleted'
        await cli.io.out(
          flags.output === 'name'
            ? `${qualifiedSingular(resource)}/${name}\n`
            : `${qualifiedSingular(resource)} "${name}" ${verb}${note}\n`,
        )
      }
      await forEach(targets, cli.io, async (target) => {
        try {
          if (flags.dryRun === 'client') await getObject(cluster.client, target.resource, target)
          else {
            const dryRun = flags.dryRun === 'server'
            const uid = await deleteObject(cluster.client, target.resource, target, { cascade: flags.cascade, gracePeriodSeconds, dryRun })
            if (!dryRun) gone.push({ target, uid })
          }
          await show(target)
        } catch (error) {
          if (!(ignoresAbsence && isNotFound(error))) throw error
        }
      })
      if (String(flags.wait) === 'false') return
      const signal = deadline(cli.io.signal, flags.timeout)
      for (const { target, uid } of gone) {
        await untilGone(cluster, target, uid, signal).catch((error: unknown) => {
          if (signal.reason instanceof TimedOut)
            throw new ExitError(
              'timedOut',
              `timed out waiting for the deletion of ${target.resource.plural}/${target.name}: it is marked for deletion, and a finalizer holds it`,
            )
          throw error
        })
      }
    })
}

function gracePeriod(flags: Flags): number | undefined {
  if (flags.force) return 0
  if (flags.now) return 1
  if (flags.gracePeriod === undefined) return undefined
  if (!/^-?\d+$/.test(flags.gracePeriod)) throw new UsageError(`--grace-period takes whole seconds, not "${flags.gracePeriod}"`)
  const seconds = Number(flags.gracePeriod)
  return seconds < 0 ? undefined : seconds
}
