import { containerNaming } from '../container-name.js'
import type { TaskManifest, TaskProbe } from '../kinds/task.js'
import type { ContainerProbe, ContainerTemplate } from './container-template.js'
import type { PodTemplate } from './pod-template.js'

/** As much of a Task as a template says. */
export interface TaskTemplate {
  readonly metadata: { labels: Record<string, string>; annotations: Record<string, string> }
  readonly spec: TaskManifest['spec']
}

/** The Task that a valid template stands for. Pure: equal templates give equal Tasks. See validatePodTemplate for what is valid. */
export function taskFromTemplate({ metadata, spec }: PodTemplate): TaskTemplate {
  const { containers, affinity, volumes, nodeName, nodeSelector, tolerations, priority, restartPolicy, terminationGracePeriodSeconds } =
    spec
  const [container] = containers
  return {
    metadata: {
      labels: { ...metadata.labels },
      annotations: { ...metadata.annotations, ...(container ? containerNaming(container.name) : {}) },
    },
    spec: present({
      ...(container ? containerFields(container) : {}),
      restartPolicy,
      terminationGracePeriodSeconds,
      volumes: volumes?.map(({ name, emptyDir, hostPath, secret, configMap }) => present({ name, emptyDir, hostPath, secret, configMap })),
      nodeName,
      nodeSelector,
      affinity: affinity && present({ nodeAffinity: affinity.nodeAffinity }),
      tolerations,
      priority,
    }),
  }
}

function containerFields(container: ContainerTemplate): Partial<TaskManifest['spec']> {
  const { image, imagePullPolicy, command, args, workingDir, envFrom } = container
  const probe = (one: ContainerProbe | undefined) => one && taskProbe(one, container)
  return {
    image,
    imagePullPolicy,
    command,
    args,
    workingDir,
    env: container.env?.map(({ name, value, valueFrom }) =>
      present({
        name,
        value,
        valueFrom: valueFrom && present({ secretKeyRef: valueFrom.secretKeyRef, configMapKeyRef: valueFrom.configMapKeyRef }),
      }),
    ),
    envFrom,
    resources: present({ requests: container.resources.requests, limits: container.resources.limits }),
    ports: container.ports?.map(({ name, containerPort, protocol, hostPort }) =>
      present({ name, port: containerPort, protocol, hostPort }),
    ),
    // The process backend has no mounts: the path only says where the volume appears.
    volumeMounts: container.volumeMounts?.map(({ name, mountPath, readOnly, subPath }) =>
      present({ name, mountPath: image ? mountPath : undefined, readOnly, subPath }),
    ),
    startupProbe: probe(container.startupProbe),
    livenessProbe: probe(container.livenessProbe),
    readinessProbe: probe(container.readinessProbe),
    privileged: container.securityContext?.privileged,
  }
}

function taskProbe({ exec, httpGet, tcpSocket, ...rest }: ContainerProbe, container: ContainerTemplate): TaskProbe {
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, successThreshold, failureThreshold } = rest
  return present({
    exec,
    http: httpGet && { path: httpGet.path, scheme: httpGet.scheme, port: portNumber(httpGet.port, container) ?? 0 },
    tcp: tcpSocket && { port: portNumber(tcpSocket.port, container) ?? 0 },
    initialDelaySeconds,
    periodSeconds,
    timeoutSeconds,
    successThreshold,
    failureThreshold,
  })
}

/** The port that a probe means, by number or by name; undefined where no TCP port has the name. */
export function portNumber(port: number | string, { ports = [] }: Pick<ContainerTemplate, 'ports'>): number | undefined {
  if (typeof port === 'number') return port
  return ports.find(({ name, protocol }) => name === port && protocol === 'TCP')?.containerPort
}

/** Without the members that are undefined: what is compared and stored has none. */
function present<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T
}
