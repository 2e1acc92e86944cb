import { EnvFromSchema, envSourceFields, envVarFields, probeTimingFields, volumeMountFields } from '../kinds/task.js'
import { resourceFields } from '../kinds/workload.js'
import { type Output, t } from '../schema/t.js'
import { foreign, foreignList, foreignObject, foreignText } from './foreign-field.js'

const EnvVarSchema = t.object({
  ...envVarFields,
  valueFrom: t
    .object({
      ...envSourceFields,
      fieldRef: foreign(t.anything(), 'a Task is not told of itself'),
      resourceFieldRef: foreign(t.anything(), 'a Task is not told of itself'),
      fileKeyRef: foreign(t.anything(), 'there are no containers before it that could write the file'),
    })
    .describe('Where the value comes from; exactly one source.')
    .optional(),
})

const port = (description: string) => t.intOrString().describe(description)

const ContainerPortSchema = t.object({
  name: t.string().describe('A name for the port, unique in the container.').with({ maxLength: 15 }).optional(),
  containerPort: t.integer().describe('The port that the container listens on.').with({ minimum: 1, maximum: 65535 }),
  protocol: t.oneOf('TCP', 'UDP').describe('The protocol.').default('TCP'),
  hostPort: t
    .integer()
    .describe("The node's port that leads to it; taken by one workload at a time.")
    .with({ minimum: 1, maximum: 65535 })
    .optional(),
  hostIP: foreignText('a host port is open on every address of the node'),
})

const ProbeSchema = t.object({
  exec: t
    .object({ command: t.list(t.string()).describe('The command; exit code 0 is success.') })
    .describe('Run a command in the container.')
    .optional(),
  httpGet: t
    .object({
      path: t.string().describe('The path.').default('/'),
      port: port('The port, or the name of one of the ports.'),
      scheme: t.oneOf('HTTP', 'HTTPS').describe('The scheme; certificates are not verified.').default('HTTP'),
      host: foreignText('the container itself is asked'),
      httpHeaders: foreignList('the request has no further headers'),
    })
    .describe('Ask over HTTP; 200 to 399 is success.')
    .optional(),
  tcpSocket: t
    .object({ port: port('The port, or the name of one of the ports.'), host: foreignText('the container itself is asked') })
    .describe('Open a TCP connection.')
    .optional(),
  grpc: foreign(t.anything(), 'probes are exec, httpGet and tcpSocket'),
  ...probeTimingFields,
  terminationGracePeriodSeconds: foreign(t.integer(), 'a failing probe gives the time that the template gives'),
})

const identity = 'the image, or the node, decides who the container runs as'
const SecurityContextSchema = t.object({
  privileged: t.boolean().describe('All rights on the node. Only in namespaces labelled millrace.dev/security=privileged.').optional(),
  allowPrivilegeEscalation: foreign(t.boolean(), 'programs may gain the rights of their files', true),
  capabilities: foreignObject("the container has the engine's capabilities", { add: [] }, { drop: [] }, { add: [], drop: [] }),
  readOnlyRootFilesystem: foreign(t.boolean(), 'the files of the image can be written', false),
  runAsNonRoot: foreign(t.boolean(), identity, false),
  runAsUser: foreign(t.integer(), identity),
  runAsGroup: foreign(t.integer(), identity),
  procMount: foreignText('the container sees what the engine shows it', 'Default'),
  seccompProfile: foreignObject("the engine's own profile is used"),
  appArmorProfile: foreignObject("the engine's own profile is used"),
  seLinuxOptions: foreignObject("the engine's own labels are used"),
  windowsOptions: foreignObject('nodes run Linux'),
})

const terminal = 'a Task has no input and no terminal'

/** The one container of a Pod template. */
export const ContainerTemplateSchema = t.object({
  name: t.string().describe('The name of the container.').with({ minLength: 1, maxLength: 63 }),
  image: t.string().describe('The image. Without one the command is run by the process backend.').with({ maxLength: 1024 }).optional(),
  imagePullPolicy: t
    .oneOf('Always', 'IfNotPresent', 'Never')
    .describe('When the image is pulled. Default: Always for the tag latest, else IfNotPresent.')
    .optional(),
  command: t.list(t.string()).describe("What to run; replaces the image's entrypoint.").optional(),
  args: t.list(t.string()).describe('Arguments of the command.').optional(),
  workingDir: t.string().describe('The directory to run in.').optional(),
  env: t.listMap(['name'], EnvVarSchema).describe('Environment variables.').optional(),
  envFrom: t.list(EnvFromSchema).describe('Objects whose keys all become environment variables.').optional(),
  ports: t
    .listMap(['containerPort', 'protocol'], ContainerPortSchema)
    .describe('Ports that the container listens on.')
    .with({ 'x-kubernetes-patch-merge-key': 'containerPort' })
    .optional(),
  resources: t
    .object({ ...resourceFields, claims: foreignList('there are no ResourceClaims') })
    .describe('What the container needs and may use.')
    .default({}),
  volumeMounts: t
    .listMap(
      ['mountPath'],
      t.object({
        ...volumeMountFields,
        mountPath: t
          .string()
          .describe(
            'Where it appears. Without an image: $MILLRACE_VOLUMES/NAME, with the name of the volume; the process backend has no mounts.',
          ),
        mountPropagation: foreignText('mounts on one side are not seen on the other', 'None'),
        recursiveReadOnly: foreignText('mounts within a mount are not made read-only', 'Disabled'),
        subPathExpr: foreignText('variables are not expanded in paths'),
      }),
    )
    .describe('Where the volumes appear.')
    .optional(),
  startupProbe: ProbeSchema.describe('Success ends the start; until then the other probes wait.').optional(),
  livenessProbe: ProbeSchema.describe('Failure ends the run; it is started again.').optional(),
  readinessProbe: ProbeSchema.describe('Success makes the replica ready.').optional(),
  securityContext: SecurityContextSchema.describe('What the container may do.').optional(),
  lifecycle: foreignObject('nothing is called after the start or before the end'),
  resizePolicy: foreignList('what a Task may use is not changed while it runs'),
  restartPolicy: foreignText('the template has one policy, Always'),
  restartPolicyRules: foreignList('the template has one policy, Always'),
  volumeDevices: foreignList('there are no block devices'),
  terminationMessagePath: foreignText('how a Task ended is read from its exit code and its log', '/dev/termination-log'),
  terminationMessagePolicy: foreignText('how a Task ended is read from its exit code and its log', 'File'),
  stdin: foreign(t.boolean(), terminal, false),
  stdinOnce: foreign(t.boolean(), terminal, false),
  tty: foreign(t.boolean(), terminal, false),
})
export type ContainerTemplate = Output<typeof ContainerTemplateSchema>
export type ContainerProbe = Output<typeof ProbeSchema>
