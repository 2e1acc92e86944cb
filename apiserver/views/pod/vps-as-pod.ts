import { findCondition, isConditionTrue } from '../../../lib/api/condition.js'
import { containerNameOf } from '../../../lib/api/container-name.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import { type ContainerStatus, Pod, type PodSpec, type PodStatus, vpsPodPrefix } from '../../../lib/api/kinds/pod.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import type { ViewSource } from '../object-view.js'
import { waitingState } from './container-status.js'
import { podConditions, qosClass } from './pod-status.js'
import { shownMetadata } from './shown-metadata.js'

/** A Vps is a Pod as long as it runs or is to run. Its uid is the Vps's own, each time. */
export const vpsAsPod: ViewSource = {
  kind: Vps as unknown as Kind,
  prefix: vpsPodPrefix,
  onDelete: 'stop',
  hasObject(stored) {
    const phase = stored.facets.fields['status.phase']
    if (phase === 'Running') return true
    if (phase === 'Stopped') return false
    // Few are neither: most need not be parsed to know.
    return !stored.bytes.includes(notRunningText) || (JSON.parse(stored.bytes.toString()) as Vps).spec.running
  },
  objectOf: (vps) => podOfVps(vps as unknown as Vps) as unknown as KubeObject,
}
const notRunningText = Buffer.from('"running":false')

/** The Pod that stands for a Vps. */
function podOfVps(vps: Vps): Pod {
  const metadata = { ...shownMetadata(vps.metadata), name: `${vpsPodPrefix}${vps.metadata.name}` }
  return { apiVersion: Pod.apiVersion, kind: Pod.kind, metadata, spec: specOf(vps), status: statusOf(vps) }
}

function specOf({ metadata, spec }: Vps): PodSpec {
  return {
    containers: [
      {
        name: containerNameOf(metadata),
        image: spec.image,
        imagePullPolicy: spec.imagePullPolicy,
        command: spec.command,
        ports: spec.ports?.map(({ port, ...rest }) => ({ containerPort: port, ...rest })),
        resources: spec.resources ?? {},
        securityContext: spec.privileged ? { privileged: true } : undefined,
      },
    ],
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
    nodeName: spec.nodeName,
    nodeSelector: spec.nodeSelector,
    affinity: spec.affinity,
    tolerations: spec.tolerations,
    priority: spec.priority,
  }
}

function statusOf(vps: Vps): PodStatus {
  const { address, startedAt } = vps.status ?? {}
  const accepted = findCondition(vps, 'Accepted')
  const container = containerOf(vps)
  return {
    phase: phaseOf(vps),
    conditions: podConditions(vps),
    startTime: accepted?.status === 'True' ? accepted.lastTransitionTime : startedAt,
    podIP: address,
    podIPs: address ? [{ ip: address }] : undefined,
    containerStatuses: container && [container],
    qosClass: qosClass(vps.spec.resources),
  }
}

/** One that cannot be made waits for somebody who mends it: in Kubernetes, nothing comes back from Failed. */
function phaseOf({ status }: Vps): PodStatus['phase'] {
  return status?.phase === 'Running' || status?.phase === 'Unknown' ? status.phase : 'Pending'
}

/** Undefined while no node has it. */
function containerOf(vps: Vps): ContainerStatus | undefined {
  const { metadata, spec, status } = vps
  if (!spec.nodeName) return undefined
  const { phase, startedAt, starts, runtimeId } = status ?? {}
  // What is on a node that does not report was running when it was last seen.
  const runs = phase === 'Running' || (phase === 'Unknown' && startedAt !== undefined)
  const way = (['Accepted', 'ImageReady', 'DiskReady', 'Running'] as const).map((type) => findCondition(vps, type))
  return {
    name: containerNameOf(metadata),
    state: runs ? { running: { startedAt } } : { waiting: waitingState(way) },
    ready: isConditionTrue(vps, 'Ready'),
    started: isConditionTrue(vps, 'Running'),
    restartCount: Math.max(0, (starts ?? 1) - 1),
    image: spec.image,
    imageID: '',
    containerID: runtimeId && `${spec.backend}://${runtimeId}`,
  }
}
