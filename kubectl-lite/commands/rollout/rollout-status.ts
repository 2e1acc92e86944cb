import { Option } from 'commander'
import { notFound } from '../../../lib/api/api-error.js'
import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import type { DefineCommand } from '../../cli/cli.js'
import { ExitError } from '../../cli/exit-code.js'
import { forEach } from '../../cli/for-each.js'
import { deadline, parseDuration, TimedOut } from '../../cli/timeout.js'
import { followObject } from '../../cluster/follow-object.js'
import type { TargetFlags } from '../../cluster/target-objects.js'
import { withTargetFlags } from '../../cluster/target-objects.js'
import { findDeployments, readDeployment } from './find-deployments.js'
import { rolloutProgress } from './rollout-progress.js'

interface Flags extends TargetFlags {
  readonly watch: string | boolean
  readonly timeout?: number
}

/** Follows a rollout to its end; one that fails is a failure. */
export const rolloutStatus: DefineCommand = (command, cli) => {
  withTargetFlags(command.command('status').description('follow a rollout to its end').argument('[words...]', 'deployment/NAME…'))
    .addOption(new Option('-w, --watch [yes]', 'wait for the end').choices(['true', 'false']).default('true').preset('true'))
    .option('--timeout <duration>', 'how long to wait at most (default: for ever)', parseDuration)
    .action(async (words: string[], flags: Flags) => {
      const cluster = await cli.connect()
      const signal = deadline(cli.io.signal, flags.timeout)
      await forEach(await findDeployments(cluster, words, flags, cli.io), cli.io, async (target) => {
        let said = ''
        const say = async (text: string): Promise<void> => {
          if (text === said) return
          said = text
          await cli.io.out(`${text}\n`)
        }
        if (String(flags.watch) === 'false') return await say(rolloutProgress(await readDeployment(cluster, target)).text)
        const progressOf = (object: unknown) => rolloutProgress(object as Deployment)
        await readDeployment(cluster, target)
        const last = await followObject(
          cluster,
          target,
          (object) => {
            const progress = object && progressOf(object)
            if (progress?.state === 'waiting') void say(progress.text)
            return progress?.state !== 'waiting'
          },
          signal,
        ).catch((error: unknown) => {
          throw signal.reason instanceof TimedOut ? new ExitError('timedOut', `timed out waiting for the rollout of ${target.name}`) : error
        })
        if (!last) throw notFound({ group: 'apps', resource: 'deployments', name: target.name })
        const { state, text } = progressOf(last)
        if (state === 'failed') throw new ExitError('failed', text)
        await say(text)
      })
    })
}
