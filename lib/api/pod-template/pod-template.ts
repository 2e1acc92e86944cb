import { affinityFields, TolerationSchema } from '../kinds/workload.js'
import { type Output, t } from '../schema/t.js'
import { ContainerTemplateSchema } from './container-template.js'
import { foreign, foreignList, foreignObject, foreignText, foreignTexts, unread } from './foreign-field.js'
import { VolumeTemplateSchema } from './volume-template.js'

const named = 'each replica has a name of its own, beside its ReplicaSet'
const TemplateMetadataSchema = t.object({
  labels: t.map(t.string()).describe('Labels of each replica; the selector must match them.').optional(),
  annotations: t.map(t.string()).describe('Annotations of each replica.').optional(),
  name: unread(t.string(), named),
  generateName: unread(t.string(), named),
  namespace: unread(t.string(), named),
  creationTimestamp: unread(t.time(), 'the server sets it'),
  finalizers: foreignTexts('replicas end when they are deleted'),
  ownerReferences: foreignList('the ReplicaSet owns each replica'),
  uid: foreignText('the server sets it'),
  resourceVersion: foreignText('the server sets it'),
  generation: foreign(t.integer(), 'the server sets it', 0),
  deletionTimestamp: foreign(t.time(), 'the server sets it'),
  deletionGracePeriodSeconds: foreign(t.integer(), 'the server sets it'),
  managedFields: foreignList('the server keeps them'),
  selfLink: foreignText('nobody sets it'),
})

const ownNamespaces = 'a Task has namespaces of its own in the kernel'
const noAccount = 'a Task gets no token by itself'
const noResolver = 'names are resolved as the node does it'
const oneContainer = 'a Task is one container'

const PodSpecSchema = t.object({
  containers: t.listMap(['name'], ContainerTemplateSchema).describe('The one container.'),
  volumes: t.listMap(['name'], VolumeTemplateSchema).describe('Directories and files given to the container.').optional(),
  restartPolicy: t.oneOf('Always').describe('The container is started again, in place, whenever it ends.').default('Always'),
  terminationGracePeriodSeconds: t.integer().describe('Seconds between the polite signal and the kill.').with({ minimum: 0 }).default(30),
  nodeName: t.string().describe('The node that every replica runs on, without a scheduler.').optional(),
  nodeSelector: t.map(t.string()).describe('Labels that the node must have.').optional(),
  affinity: t
    .object({
      ...affinityFields,
      podAffinity: foreignObject('replicas are placed by the labels of nodes'),
      podAntiAffinity: foreignObject('replicas are placed by the labels of nodes'),
    })
    .describe('Which nodes are required or preferred.')
    .optional(),
  tolerations: t.list(TolerationSchema).describe('The taints that do not keep it away.').optional(),
  priority: t.integer().describe('Higher is scheduled first.').with({ minimum: -1000000000, maximum: 1000000000 }).optional(),
  activeDeadlineSeconds: foreign(t.integer(), 'replicas are kept running'),
  initContainers: foreignList(oneContainer),
  ephemeralContainers: foreignList(oneContainer),
  serviceAccountName: foreignText(noAccount, 'default'),
  serviceAccount: foreignText(noAccount, 'default'),
  automountServiceAccountToken: foreign(t.boolean(), noAccount, false),
  imagePullSecrets: foreignList('images are pulled as the node may pull them'),
  hostNetwork: foreign(t.boolean(), ownNamespaces, false),
  hostPID: foreign(t.boolean(), ownNamespaces, false),
  hostIPC: foreign(t.boolean(), ownNamespaces, false),
  hostUsers: foreign(t.boolean(), 'users are those of the node', true),
  shareProcessNamespace: foreign(t.boolean(), oneContainer, false),
  securityContext: foreignObject('the image, or the node, decides who the container runs as'),
  dnsPolicy: foreignText(noResolver, 'ClusterFirst', 'Default'),
  dnsConfig: foreignObject(noResolver),
  hostAliases: foreignList(noResolver),
  hostname: foreignText('a Task is called by its own name'),
  hostnameOverride: foreignText('a Task is called by its own name'),
  subdomain: foreignText('there are no Services that would have one'),
  setHostnameAsFQDN: foreign(t.boolean(), 'a Task is called by its own name', false),
  enableServiceLinks: foreign(t.boolean(), 'there are no Services to link to', true, false),
  schedulerName: foreignText('there is one scheduler', 'default-scheduler'),
  priorityClassName: foreignText('there are no PriorityClasses: say priority'),
  preemptionPolicy: foreignText('nobody is taken off a node for another', 'Never'),
  topologySpreadConstraints: foreignList('replicas are placed by the labels of nodes'),
  schedulingGates: foreignList('a Task is scheduled as soon as it is there'),
  readinessGates: foreignList('readiness is what the readinessProbe says'),
  runtimeClassName: foreignText('the backend is docker where there is an image, else process'),
  overhead: foreignObject('a Task counts as what it requests'),
  os: foreignObject('nodes run Linux', { name: 'linux' }),
  resources: foreignObject("a Task's resources are those of its container"),
  resourceClaims: foreignList('there are no ResourceClaims'),
})

/** What each replica of a workload is made from: Kubernetes' PodTemplateSpec, of which one container is used. */
export const PodTemplateSchema = t.object({
  metadata: TemplateMetadataSchema.describe('Labels and annotations of each replica.').default({}),
  spec: PodSpecSchema.describe('What each replica runs.'),
})
export type PodTemplate = Output<typeof PodTemplateSchema>
