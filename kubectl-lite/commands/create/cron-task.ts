/** `create crontask`: a command on a schedule. */
import { type Command, Option } from 'commander'
import { CronTask } from '../../../lib/api/kinds/cron-task.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import { type CreateFlags, createOne } from './create-one.js'

interface CronTaskFlags extends CreateFlags {
  readonly schedule: string
  readonly timezone?: string
  readonly image?: string
  readonly restart: string
}

export const createCronTask: DefineCommand = (command, cli) => {
  command
    .command('crontask')
    .alias('ct')
    .description('Tasks on a schedule')
    .argument('<name>')
    .argument('[words...]', 'after --: the command to run')
    .requiredOption('--schedule <schedule>', 'minute, hour, day, month, weekday, as cron has them: "0 2 * * *"; or @hourly, @daily, …')
    .option('--timezone <zone>', 'by whose wall clocks, as Europe/Berlin (default: UTC)')
    .option('--image <image>', 'the container image; without one each Task is a plain process')
    .addOption(new Option('--restart <policy>', 'when a Task is started again').choices(['Never', 'OnFailure']).default('Never'))
    .action((name: string, words: string[], _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<CronTaskFlags>()
      if (words.length === 0 && flags.image === undefined)
        throw new UsageError(`say what to run, after --: kubectl-lite create crontask ${name} --schedule '@daily' -- echo hello`)
      return createOne(cli, CronTask, flags, name, () => ({ spec: specOf(flags, words) }))
    })
}

function specOf({ schedule, timezone, image, restart }: CronTaskFlags, words: readonly string[]) {
  const spec = { ...(image === undefined ? {} : { image }), ...(words.length === 0 ? {} : { command: words }), restartPolicy: restart }
  return { schedule, ...(timezone === undefined ? {} : { timeZone: timezone }), taskTemplate: { spec } }
}
