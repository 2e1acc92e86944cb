import { changeCauseAnnotation, revisionOf } from '../../../lib/api/revisions.js'
import type { DefineCommand } from '../../cli/cli.js'
import { ExitError } from '../../cli/exit-code.js'
import { forEach } from '../../cli/for-each.js'
import { wholeNumber } from '../../cli/whole-number.js'
import { printObject } from '../../cluster/api-resource.js'
import { type TargetFlags, withTargetFlags } from '../../cluster/target-objects.js'
import { describeTemplate } from '../../describe/describe-template.js'
import { alignColumns } from '../../print/align-columns.js'
import { escapeControls } from '../../print/table.js'
import { replicaSetsOf } from '../../workloads/replica-sets.js'
import { findDeployments, readDeployment } from './find-deployments.js'

/** The revisions that there are to go back to; with `--revision`, the template of one. */
export const rolloutHistory: DefineCommand = (command, cli) => {
  withTargetFlags(
    command.command('history').description('the revisions that one can go back to').argument('[words...]', 'deployment/NAME…'),
  )
    .option('--revision <number>', 'the template of this revision')
    .action(async (words: string[], flags: TargetFlags & { revision?: string }) => {
      const revision = flags.revision === undefined ? 0 : wholeNumber(flags.revision, '--revision')
      const cluster = await cli.connect()
      await forEach(await findDeployments(cluster, words, flags, cli.io), cli.io, async (target) => {
        const sets = (await replicaSetsOf(cluster, await readDeployment(cluster, target))).filter((set) => revisionOf(set) > 0)
        const subject = printObject(target.resource, target.name)
        if (revision > 0) {
          const set = sets.find((one) => revisionOf(one) === revision)
          if (!set) throw new ExitError('notFound', `unable to find revision ${revision} of ${subject}`)
          return await cli.io.out(`${subject} with revision #${revision}\n${describeTemplate(set.spec.template)}`)
        }
        if (sets.length === 0) return await cli.io.out(`${subject}\nNo rollout history found.\n`)
        const rows = sets.map((set) => [
          String(revisionOf(set)),
          escapeControls(set.metadata.annotations?.[changeCauseAnnotation] ?? '<none>'),
        ])
        await cli.io.out(`${subject}\n${alignColumns([['REVISION', 'CHANGE-CAUSE'], ...rows])}`)
      })
    })
}
