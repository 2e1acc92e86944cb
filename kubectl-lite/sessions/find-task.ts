import { isConditionTrue } from '../../lib/api/condition.js'
import type { Deployment } from '../../lib/api/kinds/deployment.js'
import type { Task } from '../../lib/api/kinds/task.js'
import { printLabelSelector } from '../../lib/api/label-selector.js'
import { selectorOf } from '../../lib/api/label-selector-object.js'
import { hasBegun } from '../../lib/api/task-phase.js'
import { resourcePath } from '../../lib/client/resource-path.js'
import { ExitError, UsageError } from '../cli/exit-code.js'
import type { Io } from '../cli/io.js'
import type { ApiResource } from '../cluster/api-resource.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject, listObjects } from '../cluster/objects.js'
import { parseSelection } from '../cluster/selection.js'
import type { Target } from '../cluster/target-objects.js'

/** Whom a session is with. */
export interface TaskAddress {
  readonly namespace: string
  readonly name: string
  /** What it is; absent: a Task. */
  readonly resource?: ApiResource
}

/** The Task or Vps that a word names: NAME, task/NAME, vps/NAME, or deployment/NAME for one of its Tasks, which is named to `io`. */
export async function findTask(
  cluster: Cluster,
  word: string,
  subresource: 'log' | 'exec' | 'attach' | 'portforward' | 'console',
  io: Pick<Io, 'err'>,
): Promise<TaskAddress> {
  if (!word.includes('/')) return { namespace: cluster.namespace, name: word }
  const selection = await parseSelection(cluster.discovery, [word])
  const [item] = selection.type === 'names' ? selection.items : []
  if (item?.resource.group === 'apps') return await oneOfMany(cluster, { ...item, namespace: cluster.namespace }, word, io)
  if (!item?.resource.subresources.includes(subresource))
    throw new UsageError(`${word} has no ${subresource}; Tasks and Vpses have: task/NAME, vps/NAME`)
  return { namespace: cluster.namespace, name: item.name, resource: item.resource }
}

async function oneOfMany(cluster: Cluster, target: Target, word: string, io: Pick<Io, 'err'>): Promise<TaskAddress> {
  const { selector } = (await getObject(cluster.client, target.resource, target)).spec as Deployment['spec']
  const tasks = await listObjects(cluster.client, await cluster.discovery.findOne('tasks.millrace.dev'), {
    namespace: cluster.namespace,
    labelSelector: printLabelSelector(selectorOf(selector)),
  })
  const [best, ...others] = (tasks.items as unknown as Task[]).toSorted(byUse)
  if (!best) throw new ExitError('notFound', `${word} has no Tasks`)
  const { name } = best.metadata
  if (others.length > 0) io.err(`Found ${others.length + 1} Tasks, using task/${name}\n`)
  return { namespace: cluster.namespace, name }
}

/** What is ready before what runs, before the rest; among equals the newest first. */
function byUse(a: Task, b: Task): number {
  const rank = (task: Task) => Number(isConditionTrue(task, 'Ready')) * 2 + Number(hasBegun(task.status))
  return rank(b) - rank(a) || Date.parse(b.metadata.creationTimestamp) - Date.parse(a.metadata.creationTimestamp)
}

/** The path of a session with it. */
export async function sessionPath(
  cluster: Cluster,
  { resource, namespace, name }: TaskAddress,
  subresource: string,
  query: URLSearchParams,
): Promise<string> {
  const found = resource ?? (await cluster.discovery.findOne('tasks.millrace.dev'))
  return `${resourcePath(found, { namespace, name, subresource })}?${query}`
}
