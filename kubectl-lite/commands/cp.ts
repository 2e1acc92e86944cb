/** `cp`: files and folders to and from a Task, by the tar that is in it. */
import type { DefineCommand } from '../cli/cli.js'
import { UsageError } from '../cli/exit-code.js'
import { copyFrom } from '../copy/copy-from.js'
import { copyTo } from '../copy/copy-to.js'
import { type Place, parsePlace } from '../copy/place.js'

export const cp: DefineCommand = (command, cli) => {
  command
    .argument('<from>', 'a path here, or TASK:PATH, or vps/NAME:PATH, or NAMESPACE/TASK:PATH')
    .argument('<to>', 'the other')
    .addHelpText(
      'after',
      '\nExamples: kubectl-lite cp hello:/tmp/results ./results\n          kubectl-lite cp ./data hello:/tmp/data\nThe Task needs a tar. Links are copied to a Task, and not from it.',
    )
    .action(async (fromWord: string, toWord: string) => {
      const from = parsePlace(fromWord)
      const to = parsePlace(toWord)
      if ((from.task === undefined) === (to.task === undefined)) throw new UsageError('name exactly one side as TASK:PATH')
      const cluster = await cli.connect()
      const addressOf = async ({ namespace = cluster.namespace, name, kind }: NonNullable<Place['task']>) => ({
        namespace,
        name,
        ...(kind ? { resource: await cluster.discovery.findOne('vpses.millrace.dev') } : {}),
      })
      if (from.task) await copyFrom(cli.io, cluster, await addressOf(from.task), from.path, to.path)
      else if (to.task) await copyTo(cli.io, cluster, from.path, await addressOf(to.task), to.path)
    })
}
