import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import { restartedAtAnnotation } from '../../../lib/api/revisions.js'
import { timestamp } from '../../../lib/base/clock.js'
import type { DefineCommand } from '../../cli/cli.js'
import { type DryRun, dryRunOption, printDone } from '../../cli/dry-run.js'
import { ExitError } from '../../cli/exit-code.js'
import { forEach } from '../../cli/for-each.js'
import { printObject } from '../../cluster/api-resource.js'
import { clientName } from '../../cluster/cluster.js'
import { patchObject } from '../../cluster/objects.js'
import { type TargetFlags, withTargetFlags } from '../../cluster/target-objects.js'
import { findDeployments, readDeployment } from './find-deployments.js'

interface RolloutChange {
  readonly name: 'restart' | 'pause' | 'resume'
  readonly description: string
  readonly verb: string
  /** Why there is nothing to do. */
  refuses(deployment: Deployment): string | undefined
  patch(nowMs: number): object
}

const changes: readonly RolloutChange[] = [
  {
    name: 'restart',
    description: 'replace every Task by a new one, step by step',
    verb: 'restarted',
    refuses: ({ spec }) => (spec.paused ? 'is paused: resume it first' : undefined),
    patch: (nowMs) => ({ spec: { template: { metadata: { annotations: { [restartedAtAnnotation]: timestamp(nowMs) } } } } }),
  },
  {
    name: 'pause',
    description: 'let changes of the template wait',
    verb: 'paused',
    refuses: ({ spec }) => (spec.paused ? 'is already paused' : undefined),
    patch: () => ({ spec: { paused: true } }),
  },
  {
    name: 'resume',
    description: 'let changes of the template go on',
    verb: 'resumed',
    refuses: ({ spec }) => (spec.paused ? undefined : 'is not paused'),
    patch: () => ({ spec: { paused: null } }),
  },
]

export const rolloutChanges: DefineCommand = (command, cli) => {
  for (const { name, description, verb, refuses, patch } of changes)
    withTargetFlags(command.command(name).description(description).argument('[words...]', 'deployment/NAME…'))
      .addOption(dryRunOption())
      .action(async (words: string[], flags: TargetFlags & { dryRun: DryRun }) => {
        const cluster = await cli.connect()
        await forEach(await findDeployments(cluster, words, flags, cli.io), cli.io, async (target) => {
          const subject = printObject(target.resource, target.name)
          const why = refuses(await readDeployment(cluster, target))
          if (why !== undefined) throw new ExitError('failed', `${subject} ${why}`)
          const write = { fieldManager: clientName, dryRun: flags.dryRun === 'server' }
          if (flags.dryRun !== 'client') await patchObject(cluster.client, target.resource, target, 'merge', patch(cli.io.now()), write)
          await cli.io.out(printDone(subject, verb, flags.dryRun))
        })
      })
}
