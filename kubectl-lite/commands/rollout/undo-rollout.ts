import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import type { ReplicaSet } from '../../../lib/api/kinds/replica-set.js'
import { changeCauseAnnotation, isSetOf, revisionOf, withTemplateHash } from '../../../lib/api/revisions.js'
import type { DefineCommand } from '../../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../../cli/dry-run.js'
import { ExitError } from '../../cli/exit-code.js'
import { forEach } from '../../cli/for-each.js'
import { wholeNumber } from '../../cli/whole-number.js'
import { printObject } from '../../cluster/api-resource.js'
import { clientName } from '../../cluster/cluster.js'
import { patchObject } from '../../cluster/objects.js'
import { type TargetFlags, withTargetFlags } from '../../cluster/target-objects.js'
import { presentSet, replicaSetsOf } from '../../workloads/replica-sets.js'
import { findDeployments, readDeployment } from './find-deployments.js'

/** Goes back to the template of the revision before, or of another one. */
export const undoRollout: DefineCommand = (command, cli) => {
  withTargetFlags(command.command('undo').description('go back to an earlier revision').argument('[words...]', 'deployment/NAME…'))
    .option('--to-revision <number>', 'which one (default: the one before)', '0')
    .addOption(dryRunOption())
    .action(async (words: string[], flags: TargetFlags & { toRevision: string; dryRun: DryRun }) => {
      const wanted = wholeNumber(flags.toRevision, '--to-revision')
      const cluster = await cli.connect()
      await forEach(await findDeployments(cluster, words, flags, cli.io), cli.io, async (target) => {
        const deployment = await readDeployment(cluster, target)
        const subject = printObject(target.resource, target.name)
        if (deployment.spec.paused)
          throw new ExitError('failed', `cannot go back while ${subject} is paused: kubectl-lite rollout resume deployment/${target.name}`)
        const set = earlierSet(deployment, await replicaSetsOf(cluster, deployment), wanted)
        if (isSetOf(set, deployment.spec.template))
          return await cli.io.out(`${subject} skipped rollback (current template already matches revision ${revisionOf(set)})\n`)
        const write = { fieldManager: clientName, dryRun: flags.dryRun === 'server' }
        if (flags.dryRun !== 'client') await patchObject(cluster.client, target.resource, target, 'json', undoPatch(deployment, set), write)
        await cli.io.out(printDone(subject, 'rolled back', flags.dryRun))
      })
    })
}

/** The set of the wanted revision; for 0, of the one before the present one. Throws when it is not there (any more). */
function earlierSet(deployment: Deployment, sets: readonly ReplicaSet[], wanted: number): ReplicaSet {
  const present = presentSet(deployment, sets)
  const found =
    wanted > 0 ? sets.find((set) => revisionOf(set) === wanted) : sets.filter((set) => set !== present && revisionOf(set) > 0).at(-1)
  if (found) return found
  if (wanted > 0) throw new ExitError('notFound', `unable to find revision ${wanted} of deployment/${deployment.metadata.name}`)
  throw new ExitError('notFound', `no rollout history found for deployment/${deployment.metadata.name}`)
}

/** The cause that was noted with the revision comes back with it. Fails when the Deployment was changed meanwhile. */
function undoPatch({ metadata }: Deployment, set: ReplicaSet): object[] {
  const cause = set.metadata.annotations?.[changeCauseAnnotation]
  const { [changeCauseAnnotation]: _before, ...annotations } = metadata.annotations ?? {}
  return [
    { op: 'test', path: '/metadata/resourceVersion', value: metadata.resourceVersion },
    { op: 'replace', path: '/spec/template', value: withTemplateHash(set.spec.template, undefined) },
    {
      op: 'add',
      path: '/metadata/annotations',
      value: cause === undefined ? annotations : { ...annotations, [changeCauseAnnotation]: cause },
    },
  ]
}
