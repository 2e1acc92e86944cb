import { ApiError, isNotFound } from '../../lib/api/api-error.js'
import { ExitError } from '../cli/exit-code.js'
import type { Cluster } from '../cluster/cluster.js'
import { getObject } from '../cluster/objects.js'
import type { TaskAddress } from './find-task.js'

/** Settles as `session` does, which was asked of `address`; where there is no such Task, but a Vps of its name, it says so. */
export async function orNameVps<T>(cluster: Cluster, address: TaskAddress, session: Promise<T>): Promise<T> {
  try {
    return await session
  } catch (error) {
    if (address.resource || !(error instanceof ApiError) || !isNotFound(error)) throw error
    const vpses = await cluster.discovery.findOne('vpses.millrace.dev')
    const isThere = await getObject(cluster.client, vpses, address).then(
      () => true,
      () => false,
    )
    if (!isThere) throw error
    throw new ExitError('notFound', `${error.message}; there is vps/${address.name}`)
  }
}
