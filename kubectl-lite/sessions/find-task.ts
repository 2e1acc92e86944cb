import { resourcePath } from '../../lib/client/resource-path.js'
import { UsageError } from '../cli/exit-code.js'
import type { Cluster } from '../cluster/cluster.js'
import { parseSelection } from '../cluster/selection.js'

/** Whom a session is with. */
export interface TaskAddress {
  readonly namespace: string
  readonly name: string
}

/** The Task that a word names: NAME or task/NAME. */
export async function findTask(
  cluster: Cluster,
  word: string,
  subresource: 'log' | 'exec' | 'attach' | 'portforward',
): Promise<TaskAddress> {
  if (!word.includes('/')) return { namespace: cluster.namespace, name: word }
  const selection = await parseSelection(cluster.discovery, [word])
  const [item] = selection.type === 'names' ? selection.items : []
  if (!item?.resource.subresources.includes(subresource)) throw new UsageError(`${word} has no ${subresource}; Tasks have: task/NAME`)
  return { namespace: cluster.namespace, name: item.name }
}

/** The path of a session with it. */
export async function sessionPath(cluster: Cluster, address: TaskAddress, subresource: string, query: URLSearchParams): Promise<string> {
  const tasks = await cluster.discovery.findOne('tasks.millrace.dev')
  return `${resourcePath(tasks, { ...address, subresource })}?${query}`
}
