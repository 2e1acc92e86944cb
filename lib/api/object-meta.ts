import { type Input, type Output, t } from './schema/t.js'

export const OwnerReferenceSchema = t.object({
  apiVersion: t.string().describe("The owner's group and version."),
  kind: t.string().describe("The owner's kind."),
  name: t.string().describe("The owner's name."),
  uid: t.string().describe("The owner's uid."),
  controller: t.boolean().describe('Whether this owner is the managing controller; at most one is.').optional(),
  blockOwnerDeletion: t.boolean().describe('Whether a foreground deletion of the owner waits for this object.').optional(),
})

/** See managed-fields/managed-entry.ts; an entry without anything asks for all to be forgotten. */
const ManagedFieldsEntrySchema = t.object({
  manager: t.string().describe('Who writes: the fieldManager of the request.').optional(),
  operation: t.string().describe('Apply or Update.').optional(),
  apiVersion: t.string().describe('The version in which the fields were written.').optional(),
  time: t.time().describe('When the fields of this entry were last changed.').with({ nullable: true }).optional(),
  fieldsType: t.string().describe('FieldsV1.').optional(),
  fieldsV1: t.anything().describe('The fields, as nested names.').optional(),
  subresource: t.string().describe('The subresource that the fields were written through, or empty for the object itself.').optional(),
})

/** The standard metadata of every object. */
export const ObjectMetaSchema = t.object({
  name: t.string().describe('Unique within the namespace for the kind.').optional(),
  generateName: t.string().describe('Prefix from which the server makes a unique name when no name is given.').optional(),
  namespace: t.string().describe('The namespace of the object; empty for cluster-scoped kinds.').optional(),
  uid: t.string().describe('Unique in time and space; set by the server.').optional(),
  resourceVersion: t.string().describe('The revision of the cluster at which this object last changed; opaque to clients.').optional(),
  generation: t.integer().describe('Counts the changes of the desired state; set by the server.').optional(),
  creationTimestamp: t.time().describe('When the object was created; set by the server.').with({ nullable: true }).optional(),
  deletionTimestamp: t.time().describe('When deletion was asked for; set by the server.').with({ nullable: true }).optional(),
  deletionGracePeriodSeconds: t.integer().describe('Seconds the object has to end gracefully.').optional(),
  labels: t.map(t.string()).describe('Keys and values by which objects are selected.').optional(),
  annotations: t.map(t.string()).describe('Keys and values for tools and people; not selectable.').optional(),
  finalizers: t.set(t.string()).describe('Who must act before the object may go.').optional(),
  ownerReferences: t.listMap(['uid'], OwnerReferenceSchema).describe('The objects that this one depends on.').optional(),
  managedFields: t.list(ManagedFieldsEntrySchema).describe('Which manager set which fields; kept by the server.').optional(),
  selfLink: t.string().describe('Deprecated; never set.').optional(),
})

export type OwnerReference = Output<typeof OwnerReferenceSchema>
/** Metadata as a manifest gives it. */
export type ObjectMetaInput = Input<typeof ObjectMetaSchema>
/** Metadata as the server returns it: name, uid, resourceVersion, generation and creationTimestamp are set. */
export type ObjectMeta = Output<typeof ObjectMetaSchema> & {
  name: string
  uid: string
  resourceVersion: string
  creationTimestamp: string
}
