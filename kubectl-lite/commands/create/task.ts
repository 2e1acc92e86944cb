/** `create task NAME --from=crontask/NAME`: runs what a CronTask would, now. */
import type { Command } from 'commander'
import { type CronTask, instantiateAnnotation } from '../../../lib/api/kinds/cron-task.js'
import { Task } from '../../../lib/api/kinds/task.js'
import type { DefineCommand } from '../../cli/cli.js'
import { UsageError } from '../../cli/exit-code.js'
import type { Cluster } from '../../cluster/cluster.js'
import { getObject } from '../../cluster/objects.js'
import { parseSelection } from '../../cluster/selection.js'
import { type CreateFlags, createOne } from './create-one.js'

export const createTask: DefineCommand = (command, cli) => {
  command
    .command('task')
    .description('a Task as a CronTask would start it, now; from nothing, `run` makes one')
    .argument('<name>')
    .requiredOption('--from <crontask>', 'crontask/NAME')
    .action((name: string, _flags: object, own: Command) => {
      const flags = own.optsWithGlobals<CreateFlags & { from: string }>()
      return createOne(cli, Task, flags, name, async (cluster) => taskFrom(await findCronTask(cluster, flags.from), name))
    })
}

async function findCronTask(cluster: Cluster, text: string): Promise<CronTask> {
  const selection = await parseSelection(cluster.discovery, [text])
  const [found, ...others] = selection.type === 'names' ? selection.items : []
  if (!found || others.length > 0 || found.resource.kind !== 'CronTask') throw new UsageError(`--from takes crontask/NAME, not ${text}`)
  const { resource, name } = found
  return (await getObject(cluster.client, resource, { namespace: cluster.namespace, name })) as unknown as CronTask
}

/** It belongs to the CronTask: it counts as one of its active Tasks, stays in its history and goes with it. */
function taskFrom({ apiVersion, kind, metadata, spec }: CronTask, name: string) {
  const { labels, annotations } = spec.taskTemplate.metadata ?? {}
  const owner = { apiVersion, kind, name: metadata.name, uid: metadata.uid, controller: true }
  return {
    metadata: {
      name,
      namespace: metadata.namespace,
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, [instantiateAnnotation]: 'manual' },
      ownerReferences: [owner],
    },
    spec: spec.taskTemplate.spec,
  }
}
