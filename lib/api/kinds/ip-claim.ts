import { parseAddress } from '../address-range.js'
import { invalidValue, type StatusCause } from '../api-error.js'
import { defineKind, type KubeObject, type Manifest, type Resource } from '../define-kind.js'
import { type Output, t } from '../schema/t.js'

export const IPClaimSpecSchema = t.object({
  nodeName: t
    .string()
    .describe('The node from whose range (spec.podCIDR) the address is. Default: that of the node whose range holds it.')
    .with({ maxLength: 253 })
    .optional(),
  address: t
    .string()
    .describe('The address; unset: a free one of the range is written here when the object is created.')
    .with({ maxLength: 64 })
    .optional(),
  holder: t
    .object({
      kind: t.oneOf('Task', 'Vps').describe('The kind of the holder.'),
      name: t.string().describe('Its name, in the same namespace.'),
      uid: t.string().describe('Its uid.'),
    })
    .describe('Who has the address. Set by the agent that gives it.')
    .optional(),
})

export const IPClaim = defineKind({
  group: 'millrace.dev',
  version: 'v1',
  kind: 'IPClaim',
  plural: 'ipclaims',
  scope: 'Namespaced',
  description: "An address of a node's network, held by an object. No address is claimed twice.",
  spec: IPClaimSpecSchema,
  columns: [
    { name: 'Address', jsonPath: '.spec.address', description: 'The address.' },
    { name: 'Node', jsonPath: '.spec.nodeName', description: 'The node from whose range it is.' },
    { name: 'Holder', jsonPath: '.spec.holder.name', description: 'Who has it.' },
    { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp', description: 'Time since creation.' },
  ],
  indexed: ['spec.nodeName'],
  validate: validateAddress,
})
function validateAddress({ spec }: KubeObject): StatusCause[] {
  const { address } = spec as IPClaimSpec
  return address === undefined || parseAddress(address) !== undefined
    ? []
    : [invalidValue('spec.address', address, 'must be an IPv4 address such as 172.30.0.5')]
}

export type IPClaim = Resource<typeof IPClaim>
export type IPClaimManifest = Manifest<typeof IPClaim>
export type IPClaimSpec = Output<typeof IPClaimSpecSchema>
