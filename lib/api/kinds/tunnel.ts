import { ConditionsSchema } from '../condition.js'
import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'
import { validateTunnel } from './tunnel-validation.js'

export const TunnelSpecSchema = t.object({
  target: t
    .object({
      kind: t.oneOf('Task', 'Vps').describe('The kind of the target.'),
      name: t
        .string()
        .describe('The name of the target, in the same namespace. It may come later, and come again.')
        .with({ minLength: 1, maxLength: 63 }),
      port: t.integer().describe('The port that the target listens on.').with({ minimum: 1, maximum: 65535 }),
    })
    .describe('Where connections lead.'),
  protocol: t.oneOf('tcp', 'udp').describe('The protocol; it may not be changed.').default('tcp'),
  listen: t
    .object({
      address: t
        .string()
        .describe(
          "The gateway's address to listen on, IPv4 or IPv6. Default: all that the gateway listens on (its --host), outside of which there is none.",
        )
        .with({ maxLength: 64 })
        .default('0.0.0.0'),
      port: t
        .integer()
        .describe(
          'The port to listen on; 0 or unset: one is assigned when the object is created, and kept. One outside of the range for Tunnels (30000 to 32767, unless the API server has another) only in namespaces labelled millrace.dev/security=privileged.',
        )
        .with({ minimum: 0, maximum: 65535 })
        .default(0),
    })
    .describe('Where the gateway listens.')
    .default({}),
  proxyProtocol: t.oneOf('off', 'v2').describe('Whether the target is told who connects, by the PROXY protocol; tcp alone.').default('off'),
})

export const TunnelStatusSchema = t.object({
  conditions: ConditionsSchema.optional(),
  observedGeneration: t.integer().describe('The generation that the gateway has acted on.').optional(),
  endpoint: t
    .string()
    .describe('Where clients connect: ADDRESS:PORT, at the first gateway that listens; absent while none does.')
    .optional(),
  gateways: t
    .listMap(
      ['name'],
      t.object({
        name: t.string().describe('The name of the gateway.'),
        endpoint: t.string().describe('Where clients connect to it; absent while it does not listen.').optional(),
        conditions: ConditionsSchema.optional(),
      }),
    )
    .describe('What each gateway says of it. Entries of gateways that are gone are taken away.')
    .optional(),
})

export const Tunnel = defineKind({
  group: 'millrace.dev',
  version: 'v1',
  kind: 'Tunnel',
  plural: 'tunnels',
  categories: ['all'],
  scope: 'Namespaced',
  description: 'A way in from outside, by TCP or UDP, to a port of a Task or a Vps. The gateway listens; nodes need no open port.',
  spec: TunnelSpecSchema,
  status: TunnelStatusSchema,
  subresources: ['status', 'stats'],
  conditions: ['Listening', 'TargetReady'],
  columns: [
    { name: 'Endpoint', jsonPath: '.status.endpoint', description: 'Where clients connect.' },
    { name: 'Protocol', jsonPath: '.spec.protocol', description: 'tcp or udp.' },
    { name: 'Kind', jsonPath: '.spec.target.kind', description: 'The kind of the target.' },
    { name: 'Target', jsonPath: '.spec.target.name', description: 'Where connections lead.' },
    { name: 'Port', type: 'integer', jsonPath: '.spec.target.port', description: 'The port of the target.' },
    { name: 'Listening', jsonPath: '.status.conditions[?(@.type=="Listening")].status', description: 'Whether the gateway listens.' },
    {
      name: 'Target Ready',
      jsonPath: '.status.conditions[?(@.type=="TargetReady")].status',
      description: 'Whether the target can be connected to.',
    },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  nameRule: 'label',
  validate: validateTunnel,
})
export type Tunnel = Resource<typeof Tunnel>
export type TunnelManifest = Manifest<typeof Tunnel>
export type TunnelSpec = Output<typeof TunnelSpecSchema>
export type TunnelStatus = Output<typeof TunnelStatusSchema>
