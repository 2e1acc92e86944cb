import { defineKind, type Manifest, type Resource } from '../define-kind.js'
import { t } from '../schema/t.js'

export const ObjectReferenceSchema = t.object({
  apiVersion: t.string().describe('Group and version.').optional(),
  kind: t.string().describe('The kind.').optional(),
  namespace: t.string().describe('The namespace.').optional(),
  name: t.string().describe('The name.').optional(),
  uid: t.string().describe('The uid.').optional(),
  resourceVersion: t.string().describe('The revision that was meant.').optional(),
  fieldPath: t.string().describe('The part that was meant.').optional(),
})

export const Event = defineKind({
  group: '',
  version: 'v1',
  kind: 'Event',
  plural: 'events',
  shortNames: ['ev'],
  scope: 'Namespaced',
  description: 'What a program saw or did about an object. Events go after an hour.',
  fields: {
    involvedObject: ObjectReferenceSchema.describe('What the event is about.'),
    reason: t.string().describe('The cause, in CamelCase.').optional(),
    message: t.string().describe('What happened, in words.').optional(),
    type: t.string().describe('Normal or Warning.').optional(),
    source: t
      .object({
        component: t.string().describe('The program that reports.').optional(),
        host: t.string().describe('The node that it runs on.').optional(),
      })
      .describe('Who reports.')
      .optional(),
    firstTimestamp: t.time().with({ nullable: true }).describe('When it was first seen.').optional(),
    lastTimestamp: t.time().with({ nullable: true }).describe('When it was last seen.').optional(),
    count: t.integer().describe('How often it was seen.').optional(),
    eventTime: t.time().with({ nullable: true }).describe('When it was first seen, with microseconds.').optional(),
    series: t
      .object({
        count: t.integer().describe('How often it was seen.').optional(),
        lastObservedTime: t.time().describe('When it was last seen.').optional(),
      })
      .describe('Set where the event recurs.')
      .optional(),
    action: t.string().describe('What was done.').optional(),
    related: ObjectReferenceSchema.describe('A second object.').optional(),
    reportingComponent: t.string().describe('The program that reports, as millrace.dev/scheduler.').optional(),
    reportingInstance: t.string().describe('Which instance of it.').optional(),
  },
  columns: [
    { name: 'Last Seen', type: 'date', jsonPath: '.lastTimestamp', description: 'Time since it was last seen.' },
    { name: 'Type', jsonPath: '.type', description: 'Normal or Warning.' },
    { name: 'Reason', jsonPath: '.reason', description: 'The cause.' },
    { name: 'Object', jsonPath: '.involvedObject.name', description: 'What it is about.' },
    { name: 'Message', jsonPath: '.message', description: 'What happened.' },
    { name: 'Name', format: 'name', jsonPath: '.metadata.name', description: 'The name of the event.', priority: 1 },
  ],
  nameFirst: false,
  indexed: ['involvedObject.uid'],
  selectable: [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'type',
    'source',
    'reportingComponent',
  ],
  history: 'none',
  maxBytes: 32 * 1024,
  createOnUpdate: true,
})
export type Event = Resource<typeof Event>
export type EventManifest = Manifest<typeof Event>
