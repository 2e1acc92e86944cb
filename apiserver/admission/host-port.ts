import { invalid, invalidValue, type StatusCause } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { securityLabel } from '../../lib/api/kinds/namespace.js'
import type { TaskSpec } from '../../lib/api/kinds/task.js'
import type { TunnelPorts } from '../registry/strategies/tunnel.js'
import type { Admit } from './admit.js'
import { levelOf } from './namespace-level.js'

const firstOfAll = 1024

/**
 * A `hostPort` is opened with the rights of the node's agent, for whoever may create a workload: those below 1024 and
 * those of Tunnels are for namespaces labelled `privileged`, and the control plane's own for nobody. Judged when it is
 * chosen, at creation or, of a Vps, later: who has one keeps it.
 */
export function admitHostPorts(tunnels: TunnelPorts): Admit {
  return ({ kind, subresource, namespace, name, object, old, view }) => {
    if (!kind.workload || subresource !== '' || !object) return
    const ports = portsOf(object)
    if (!ports.some(({ hostPort }) => hostPort !== undefined)) return
    const isTrusted = levelOf(namespace, view) === 'privileged'
    const kept = old ? portsOf(old).map(({ hostPort }) => hostPort) : []
    const causes = ports.flatMap(({ hostPort }, index): StatusCause[] => {
      const why = hostPort === undefined || kept.includes(hostPort) ? undefined : problemOf(hostPort, tunnels, isTrusted)
      return why === undefined ? [] : [invalidValue(`spec.ports[${index}].hostPort`, hostPort, why)]
    })
    if (causes.length > 0) throw invalid({ group: kind.group, resource: kind.plural, kind: kind.kind, name }, causes)
  }
}

const portsOf = ({ spec }: KubeObject) => (spec as Pick<TaskSpec, 'ports'>).ports ?? []

function problemOf(port: number, tunnels: TunnelPorts, isTrusted: boolean): string | undefined {
  if (tunnels.reserved.includes(port)) return 'is reserved for the control plane'
  if (isTrusted) return undefined
  const label = `the label ${securityLabel}=privileged on the namespace would admit it`
  if (port < firstOfAll) return `must be at least ${firstOfAll}; ${label}`
  if (port >= tunnels.from && port <= tunnels.to) return `is of the range of Tunnels, ${tunnels.from} to ${tunnels.to}; ${label}`
  return undefined
}
