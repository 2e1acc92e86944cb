/**
 * Takes the word of a gateway that is gone off each Tunnel, so that none shows an endpoint where nobody listens. Gone is who has taken its
 * Lease away, or has not renewed it for its time, as node-lifecycle counts it; who comes back says so itself.
 */
import { streamNamespace } from '../../lib/api/kinds/lease.js'
import { Tunnel } from '../../lib/api/kinds/tunnel.js'
import { sumOfGateways } from '../../lib/api/tunnel-gateways.js'
import { type Controller, controller } from '../../lib/controller/controller.js'
import type { ControllerContext } from '../controller-context.js'
import { Silence } from '../node-lifecycle/silence.js'

const lookAgainAfter = '5s'

export function tunnelGateways({ leases, watchTime }: Pick<ControllerContext, 'leases' | 'watchTime'>): Controller {
  const silence = new Silence(watchTime)
  /** How long Tunnels, by uid, have had an endpoint that no gateway says is its own, as a gateway of an earlier version left it. */
  const unsaid = new Silence(watchTime)
  const left = new Set<string>()
  const isGone = (name: string) => {
    if (left.has(name)) return true
    // One that has no Lease yet has as long as one that does not renew it.
    if (!leases.lister.get(`${streamNamespace}/${name}`)) silence.saw(name)
    return silence.of(name) > silence.limitOf(name)
  }
  const saw: Parameters<typeof leases.subscribe>[0]['add'] = (lease) => {
    if (lease.metadata.namespace !== streamNamespace) return
    left.delete(lease.metadata.name)
    silence.saw(lease.metadata.name, lease)
  }
  leases.subscribe({
    add: saw,
    update: saw,
    delete({ metadata }) {
      if (metadata.namespace !== streamNamespace) return
      left.add(metadata.name)
      silence.forget(metadata.name)
    },
  })
  const isAbandoned = ({ metadata: { uid }, status }: Tunnel) => {
    if (status?.endpoint === undefined || status.gateways?.length) {
      unsaid.forget(uid)
      return false
    }
    unsaid.saw(uid)
    return unsaid.of(uid) > unsaid.limitOf(uid)
  }
  return controller({
    name: 'tunnel-gateways',
    for: Tunnel,
    async reconcile(tunnel, ctx) {
      const { gateways = [] } = tunnel.status
      const present = gateways.filter(({ name }) => !isGone(name))
      if (present.length < gateways.length || isAbandoned(tunnel)) {
        const { endpoint, listening, targetReady } = sumOfGateways(present)
        tunnel.status.gateways = present
        tunnel.status.endpoint = endpoint
        ctx.condition('Listening', listening.holds, listening.reason, listening.message)
        ctx.condition('TargetReady', targetReady.holds, targetReady.reason, targetReady.message)
      }
      return present.length > 0 || tunnel.status.endpoint !== undefined ? { requeueAfter: lookAgainAfter } : undefined
    },
  })
}
