import { forbiddenField, invalidValue, type StatusCause } from '../api-error.js'
import type { KubeObject } from '../define-kind.js'
import { percentOf, validateIntOrPercent } from '../int-or-percent.js'
import { validateReplicated } from '../pod-template/validate-replicated.js'
import type { DeploymentSpec, DeploymentStrategy } from './deployment.js'

/** Its ReplicaSets are called `NAME-` and up to ten characters, and their names are labels of DNS. */
export const maxDeploymentName = 52

/** Rules across the fields of a Deployment; see define-kind.ts. */
export function validateDeployment(deployment: KubeObject, old: KubeObject | undefined): StatusCause[] {
  // A write of the status alone leaves the spec as the same value.
  if (deployment.spec === old?.spec) return []
  const { strategy, progressDeadlineSeconds, minReadySeconds } = deployment.spec as DeploymentSpec
  const deadline = 'spec.progressDeadlineSeconds'
  return [
    ...nameCauses(deployment.metadata.name),
    ...validateReplicated(deployment, old),
    ...strategyCauses(strategy, 'spec.strategy.rollingUpdate'),
    ...(progressDeadlineSeconds > minReadySeconds
      ? []
      : [invalidValue(deadline, progressDeadlineSeconds, 'must be greater than minReadySeconds')]),
  ]
}

function nameCauses(name: string): StatusCause[] {
  if (name.length <= maxDeploymentName) return []
  return [invalidValue('metadata.name', name, `must be no more than ${maxDeploymentName} characters: its ReplicaSets add eleven`)]
}

function strategyCauses({ type, rollingUpdate }: DeploymentStrategy, path: string): StatusCause[] {
  if (!rollingUpdate) return []
  if (type === 'Recreate') return [forbiddenField(path, "may not be specified when strategy `type` is 'Recreate'")]
  const { maxSurge, maxUnavailable } = rollingUpdate
  const causes = [...validateIntOrPercent(maxSurge, `${path}.maxSurge`), ...validateIntOrPercent(maxUnavailable, `${path}.maxUnavailable`)]
  if (causes.length > 0) return causes
  const field = `${path}.maxUnavailable`
  if (isZero(maxSurge) && isZero(maxUnavailable)) return [invalidValue(field, maxUnavailable, 'may not be 0 when `maxSurge` is 0')]
  if ((percentOf(maxUnavailable) ?? 0) > 100) return [invalidValue(field, maxUnavailable, 'must not be greater than 100%')]
  return []
}

const isZero = (amount: number | string) => Number.parseInt(String(amount), 10) === 0
