import { containerNameOf } from '../../../lib/api/container-name.js'
import type { Container, PodSpec } from '../../../lib/api/kinds/pod.js'
import type { Task, TaskProbe, TaskSpec } from '../../../lib/api/kinds/task.js'

/** What a Task asks for, in the fields of a Pod. */
export function podSpec({ metadata, spec }: Task): PodSpec {
  return {
    containers: [{ name: containerNameOf(metadata), ...containerOf(spec) }],
    volumes: spec.volumes,
    restartPolicy: spec.restartPolicy,
    terminationGracePeriodSeconds: spec.terminationGracePeriodSeconds,
    activeDeadlineSeconds: spec.activeDeadlineSeconds,
    nodeName: spec.nodeName,
    nodeSelector: spec.nodeSelector,
    affinity: spec.affinity,
    tolerations: spec.tolerations,
    priority: spec.priority,
  }
}

function containerOf(spec: TaskSpec): Omit<Container, 'name'> {
  return {
    image: spec.image,
    imagePullPolicy: spec.imagePullPolicy,
    command: spec.command,
    args: spec.args,
    workingDir: spec.workingDir,
    env: spec.env,
    envFrom: spec.envFrom,
    ports: spec.ports?.map(({ port, ...rest }) => ({ containerPort: port, ...rest })),
    resources: spec.resources ?? {},
    volumeMounts: spec.volumeMounts,
    startupProbe: probeOf(spec.startupProbe),
    livenessProbe: probeOf(spec.livenessProbe),
    readinessProbe: probeOf(spec.readinessProbe),
    securityContext: spec.privileged ? { privileged: true } : undefined,
  }
}

function probeOf(probe: TaskProbe | undefined): Container['livenessProbe'] {
  if (!probe) return undefined
  const { http, tcp, ...rest } = probe
  return { ...rest, httpGet: http, tcpSocket: tcp }
}
