import { badRequest } from '../../../lib/api/api-error.js'
import { containerNameOf } from '../../../lib/api/container-name.js'
import type { Pod } from '../../../lib/api/kinds/pod.js'

/** The parameters of a Pod's log as its Task knows them. Throws BadRequest, in Kubernetes' words, where there is no such log. */
export function podLogQuery({ metadata, status }: Pod, query: URLSearchParams): URLSearchParams {
  const { name } = metadata
  const containerName = containerNameOf(metadata)
  const asked = new URLSearchParams(query)
  const container = asked.get('container') || containerName
  asked.delete('container')
  if (container !== containerName) throw badRequest(`container ${container} is not valid for pod ${name}`)
  const [about] = status?.containerStatuses ?? []
  const restarts = about?.restartCount ?? 0
  if (asked.get('previous') === 'true' && restarts === 0)
    throw badRequest(`previous terminated container "${container}" in pod "${name}" not found`)
  const waits = about === undefined || about.state?.waiting !== undefined
  if (waits && restarts === 0) throw badRequest(`container "${container}" in pod "${name}" is waiting to start: ${waitsFor(status)}`)
  return asked
}

function waitsFor(status: Pod['status']): string {
  const [about] = status?.containerStatuses ?? []
  const waiting = about?.state?.waiting
  if (waiting?.reason === 'ErrImagePull') return 'trying and failing to pull image'
  if (waiting) return waiting.reason ?? ''
  const unscheduled = status?.conditions?.find(({ type, status: holds }) => type === 'PodScheduled' && holds === 'False')
  return status?.message ?? unscheduled?.message ?? 'it is not bound to a node'
}
