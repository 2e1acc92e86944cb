/** `restore`: puts the disk of a Vps back as a snapshot has it. The Vps is stopped for it, and started again when it is to run. */
import { randomUUID } from 'node:crypto'
import { Vps } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { clientName } from '../cluster/cluster.js'
import { getObject, patchObject } from '../cluster/objects.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'

interface Flags extends TargetFlags {
  readonly from: string
  readonly dryRun: DryRun
}

export const restore: DefineCommand = (command, cli) => {
  withTargetFlags(command.argument('[words...]', 'vps NAME… or vps/NAME…'))
    .requiredOption('--from <snapshot>', 'the VpsSnapshot, of the same namespace')
    .addOption(dryRunOption())
    .addHelpText('after', '\nExample: kubectl-lite restore vps/dev --from before-upgrade')
    .action(async (words: string[], flags: Flags) => {
      const cluster = await cli.connect()
      const snapshots = await cluster.discovery.ofKind(VpsSnapshot.apiVersion, VpsSnapshot.kind)
      await forEach(await findTargets(cluster, words, flags, cli.io), cli.io, async (target) => {
        if (target.resource.kind !== Vps.kind)
          throw new UsageError(`${target.resource.singular}/${target.name} has no disk that could be put back`)
        // A name that is none is told now, and not by the Vps once it has stopped.
        await getObject(cluster.client, snapshots, { namespace: target.namespace, name: flags.from })
        if (flags.dryRun !== 'client') {
          const patch = { spec: { restoreFrom: { name: flags.from, request: randomUUID().slice(0, 8) } } }
          await patchObject(cluster.client, target.resource, target, 'merge', patch, {
            fieldManager: clientName,
            dryRun: flags.dryRun === 'server',
          })
        }
        await cli.io.out(printDone(printObject(target.resource, target.name), `to be restored from ${flags.from}`, flags.dryRun))
      })
    })
}
