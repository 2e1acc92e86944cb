import type { Deployment } from '../../../lib/api/kinds/deployment.js'
import { UsageError } from '../../cli/exit-code.js'
import type { Io } from '../../cli/io.js'
import type { Cluster } from '../../cluster/cluster.js'
import { getObject } from '../../cluster/objects.js'
import { findTargets, type Target, type TargetFlags } from '../../cluster/target-objects.js'

/** The Deployments that words and flags mean. Throws UsageError for other kinds: nothing else has rollouts. */
export async function findDeployments(cluster: Cluster, words: readonly string[], flags: TargetFlags, io: Io): Promise<Target[]> {
  const targets = await findTargets(cluster, words, flags, io)
  const other = targets.find(({ resource }) => resource.group !== 'apps' || resource.plural !== 'deployments')
  if (other) throw new UsageError(`${other.resource.singular}/${other.name} has no rollouts: only Deployments have`)
  return targets
}

export async function readDeployment(cluster: Cluster, target: Target): Promise<Deployment> {
  return (await getObject(cluster.client, target.resource, target)) as unknown as Deployment
}
