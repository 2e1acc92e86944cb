import type { KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import type { DeploymentSpec } from '../../../lib/api/kinds/deployment.js'
import type { Strategy } from './strategy.js'

const defaults = { maxSurge: '25%', maxUnavailable: '25%' }

/** How far a rolling update may go at once is said only where there is one. */
export const deploymentStrategy: Strategy = {
  prepareCreate: (object) => completeStrategy(object, undefined),
  prepareUpdate: completeStrategy,
}

function completeStrategy(object: KubeObject, old: KubeObject | undefined): void {
  if (object.spec === old?.spec) return
  const spec = object.spec as DeploymentSpec
  const { type, rollingUpdate } = spec.strategy
  if (type === 'RollingUpdate' && !rollingUpdate) object.spec = { ...spec, strategy: { type, rollingUpdate: defaults } }
  // Whoever asks for Recreate need not know what the server had written for the other.
  const before = (old?.spec as DeploymentSpec | undefined)?.strategy.rollingUpdate
  if (type === 'Recreate' && rollingUpdate && sameValue(rollingUpdate, before)) object.spec = { ...spec, strategy: { type } }
}
