import { findCondition } from '../../../lib/api/condition.js'
import type { Deployment } from '../../../lib/api/kinds/deployment.js'

/** How far a rollout is, in kubectl's words. */
export interface RolloutProgress {
  readonly state: 'waiting' | 'done' | 'failed'
  readonly text: string
}

export function rolloutProgress({ metadata, spec, status = {} }: Deployment): RolloutProgress {
  const about = `deployment "${metadata.name}"`
  const waiting = (text: string) => ({ state: 'waiting' as const, text })
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) return waiting('Waiting for deployment spec update to be observed...')
  if (findCondition({ status }, 'Progressing')?.reason === 'ProgressDeadlineExceeded')
    return { state: 'failed', text: `${about} exceeded its progress deadline` }
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  const rollout = `Waiting for ${about} rollout to finish:`
  if (updatedReplicas < spec.replicas)
    return waiting(`${rollout} ${updatedReplicas} out of ${spec.replicas} new replicas have been updated...`)
  if (replicas > updatedReplicas) return waiting(`${rollout} ${replicas - updatedReplicas} old replicas are pending termination...`)
  if (availableReplicas < updatedReplicas)
    return waiting(`${rollout} ${availableReplicas} of ${updatedReplicas} updated replicas are available...`)
  return { state: 'done', text: `${about} successfully rolled out` }
}
