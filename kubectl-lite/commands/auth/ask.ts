import type { Kind } from '../../../lib/api/define-kind.js'
import { resourcePath } from '../../../lib/client/resource-path.js'
import type { Cluster } from '../../cluster/cluster.js'

/** Asks the server a question that it answers in the object's status. */
export async function ask<Answer>(
  cluster: Cluster,
  kind: Pick<Kind, 'apiVersion' | 'group' | 'version' | 'kind' | 'plural' | 'scope'>,
  spec?: object,
): Promise<Answer> {
  const body = { apiVersion: kind.apiVersion, kind: kind.kind, ...(spec ? { spec } : {}) }
  const answer = await cluster.client.raw({ method: 'POST', path: resourcePath(kind as Kind), body })
  return (JSON.parse(await answer.text()) as { status: Answer }).status
}
