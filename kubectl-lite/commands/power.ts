/** `start`, `stop`, `restart` and `reset`: what shall be of a Vps. Its node's agent brings it about; `wait` waits for that. */
import { Vps } from '../../lib/api/kinds/vps.js'
import type { DefineCommand } from '../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../cli/dry-run.js'
import { UsageError } from '../cli/exit-code.js'
import { forEach } from '../cli/for-each.js'
import { printObject } from '../cluster/api-resource.js'
import { clientName } from '../cluster/cluster.js'
import { getObject, patchObject } from '../cluster/objects.js'
import { findTargets, type TargetFlags, withTargetFlags } from '../cluster/target-objects.js'

interface Flags extends TargetFlags {
  readonly dryRun: DryRun
}

/** The change that brings a Vps there. Throws UsageError for one that it makes no sense for. */
type Change = (vps: Vps, shown: string, nowMs: number) => object

export const start = powerCommand('started', () => ({ spec: { running: true } }))
export const stop = powerCommand('stopped', () => ({ spec: { running: false } }))
export const restart = powerCommand('restarted', (vps, shown, nowMs) => {
  requireRunning(vps, shown)
  return { metadata: { annotations: { 'millrace.dev/restartedAt': new Date(nowMs).toISOString() } } }
})
export const reset = powerCommand('reset', (vps, shown, nowMs) => {
  requireRunning(vps, shown)
  if (vps.spec.backend !== 'qemu') throw new UsageError(`${shown} is a container and has no reset button: restart it`)
  return { metadata: { annotations: { 'millrace.dev/resetAt': new Date(nowMs).toISOString() } } }
})

function powerCommand(done: string, change: Change): DefineCommand {
  return (command, cli) => {
    withTargetFlags(command.argument('[words...]', 'vps NAME… or vps/NAME…'))
      .addOption(dryRunOption())
      .addHelpText(
        'after',
        `\nExample: kubectl-lite ${command.name()} vps/dev\nIt is asked for, and not waited for: kubectl-lite wait vps/dev --for=jsonpath='{.status.phase}'=Running`,
      )
      .action(async (words: string[], flags: Flags) => {
        const cluster = await cli.connect()
        await forEach(await findTargets(cluster, words, flags, cli.io), cli.io, async (target) => {
          const shown = `${target.resource.singular}/${target.name}`
          if (target.resource.group !== Vps.group || target.resource.plural !== Vps.plural)
            throw new UsageError(`${shown} is not ${done === 'reset' ? 'reset' : `${done} like that`}: Vpses are, as vps/NAME`)
          const vps = (await getObject(cluster.client, target.resource, target)) as unknown as Vps
          const patch = change(vps, shown, cli.io.now())
          const write = { fieldManager: clientName, dryRun: flags.dryRun === 'server' }
          if (flags.dryRun !== 'client') await patchObject(cluster.client, target.resource, target, 'merge', patch, write)
          await cli.io.out(printDone(printObject(target.resource, target.name), done, flags.dryRun))
        })
      })
  }
}

function requireRunning({ spec }: Vps, shown: string): void {
  if (!spec.running) throw new UsageError(`${shown} is stopped: start it`)
}
