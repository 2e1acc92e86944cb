import { invalid, invalidValue, type StatusCause } from '../../lib/api/api-error.js'
import { securityLabel } from '../../lib/api/kinds/namespace.js'
import type { TaskSpec } from '../../lib/api/kinds/task.js'
import type { TunnelPorts } from '../registry/strategies/tunnel.js'
import type { Admit } from './admit.js'
import { levelOf } from './namespace-level.js'

const firstOfAll = 1024

/**
 * A `hostPort` is opened with the rights of the node's agent, for whoever may create a workload: those below 1024 and those of Tunnels are for namespaces
 * labelled `privileged`, and the control plane's own for nobody. Judged at creation, as all that a workload may do to its node: who has one keeps it.
 */
export function admitHostPorts(tunnels: TunnelPorts): Admit {
  return ({ operation, kind, namespace, name, object, view }) => {
    if (operation !== 'create' || !kind.workload || !object) return
    const { ports } = object.spec as Pick<TaskSpec, 'ports'>
    if (!ports?.some(({ hostPort }) => hostPort !== undefined)) return
    const isTrusted = levelOf(namespace, view) === 'privileged'
    const causes = ports.flatMap(({ hostPort }, index): StatusCause[] => {
      const why = hostPort === undefined ? undefined : problemOf(hostPort, tunnels, isTrusted)
      return why === undefined ? [] : [invalidValue(`spec.ports[${index}].hostPort`, hostPort, why)]
    })
    if (causes.length > 0) throw invalid({ group: kind.group, resource: kind.plural, kind: kind.kind, name }, causes)
  }
}

function problemOf(port: number, tunnels: TunnelPorts, isTrusted: boolean): string | undefined {
  if (tunnels.reserved.includes(port)) return 'is reserved for the control plane'
  if (isTrusted) return undefined
  const label = `the label ${securityLabel}=privileged on the namespace would admit it`
  if (port < firstOfAll) return `must be at least ${firstOfAll}; ${label}`
  if (port >= tunnels.from && port <= tunnels.to) return `is of the range of Tunnels, ${tunnels.from} to ${tunnels.to}; ${label}`
  return undefined
}
