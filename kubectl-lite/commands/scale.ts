/** `scale`: how many replicas there shall be, of every kind that has a number of them. */
import { isConflict } from '../../lib/api/api-error.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { ExitError, UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { wholeNumber } from '../cli/whole-number.js'
import { printObject } from '../cluster/api-resource.js'
import { type Cluster, clientName } from '../cluster/cluster.js'
import { getObject, patchObject } from '../cluster/objects.js'
import { findTargets, type Target, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'

interface Flags extends TargetFlags {
  readonly replicas: string
  readonly currentReplicas?: string
  readonly dryRun: DryRun
}

export const scale: DefineCommand = (command, cli) => {
  withTargetFlags(command.argument('[words...]', 'KIND NAME… or KIND/NAME…'))
    .requiredOption('--replicas <number>', 'how many there shall be')
    .option('--current-replicas <number>', 'only when there shall be so many now')
    .addOption(dryRunOption())
    .addHelpText('after', '\nExample: kubectl-lite scale deployment/web --replicas=3')
    .action(async (words: string[], flags: Flags) => {
      const replicas = wholeNumber(flags.replicas, '--replicas')
      const current = flags.currentReplicas === undefined ? undefined : wholeNumber(flags.currentReplicas, '--current-replicas')
      const cluster = await cli.connect()
      await forEach(await findTargets(cluster, words, flags, cli.io), cli.io, async (target) => {
        if (!target.resource.subresources.includes('scale'))
          throw new UsageError(`${target.resource.singular}/${target.name} has no number of replicas`)
        await setReplicas(cluster, target, replicas, current, flags.dryRun)
        await cli.io.out(printDone(printObject(target.resource, target.name), 'scaled', flags.dryRun))
      })
    })
}

async function setReplicas(cluster: Cluster, target: Target, replicas: number, current: number | undefined, dryRun: DryRun): Promise<void> {
  const seen = current === undefined ? undefined : await expectReplicas(cluster, target, current)
  if (dryRun === 'client') return void (await getObject(cluster.client, target.resource, target))
  const write = { fieldManager: clientName, dryRun: dryRun === 'server', subresource: 'scale' }
  // With the version that the number was read at, what somebody else asks for meanwhile is a conflict.
  const patch = { ...(seen === undefined ? {} : { metadata: { resourceVersion: seen } }), spec: { replicas } }
  for (;;) {
    try {
      await patchObject(cluster.client, target.resource, target, 'merge', patch, write)
      return
    } catch (error) {
      if (current === undefined || !isConflict(error)) throw error
      patch.metadata = { resourceVersion: await expectReplicas(cluster, target, current) }
    }
  }
}

/** The version at which there were to be so many. */
async function expectReplicas(cluster: Cluster, target: Target, current: number): Promise<string> {
  const scale = await getObject(cluster.client, target.resource, target, 'scale')
  const { replicas = 0 } = (scale.spec ?? {}) as { replicas?: number }
  if (replicas !== current) throw new ExitError('conflict', `expected replicas to be ${current}, was ${replicas}`)
  return scale.metadata.resourceVersion
}
