import { createHash } from 'node:crypto'
import type { EventManifest } from '../../api/kinds/event.js'
import { timestamp } from '../../base/clock.js'

/** What an Event is about: any object. */
export interface EventSubject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string | undefined
    readonly uid: string
    readonly resourceVersion?: string | undefined
  }
}

export type EventType = 'Normal' | 'Warning'

/** One thing that was seen, however often. */
export interface EventRecord {
  /** The Event's name: the same thing has the same name, in every life of the program. */
  readonly name: string
  readonly namespace: string
  readonly subject: EventSubject
  readonly type: EventType
  readonly reason: string
  readonly message: string
  readonly firstMs: number
  lastMs: number
  /** Times seen that no Event counts yet. */
  unwritten: number
  /** What is on the Event, as far as this program knows. */
  standing: { readonly count: number; readonly resourceVersion: string } | undefined
}

export interface EventReporter {
  /** The program, as millrace-scheduler. */
  readonly component: string
  /** Which one of it: the node's name, say. */
  readonly instance?: string | undefined
}

const maxMessage = 1024
const maxName = 253

export function newEventRecord(
  reporter: EventReporter,
  subject: EventSubject,
  type: EventType,
  reason: string,
  message: string,
  nowMs: number,
): EventRecord {
  const shown = message.length > maxMessage ? `${message.slice(0, maxMessage - 1)}…` : message
  const identity = [reporter.component, reporter.instance ?? '', subject.kind, subject.metadata.uid, type, reason, shown]
  const digest = createHash('sha256').update(JSON.stringify(identity)).digest('hex').slice(0, 16)
  const base = subject.metadata.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]/g, '-')
    .slice(0, maxName - digest.length - 1)
    .replace(/[^a-z0-9]+$/, '')
  return {
    name: `${base || 'event'}.${digest}`,
    namespace: subject.metadata.namespace || 'default',
    subject,
    type,
    reason,
    message: shown,
    firstMs: nowMs,
    lastMs: nowMs,
    unwritten: 0,
    standing: undefined,
  }
}

/** The Event that says what the record knows, counted so often. */
export function printEvent(record: EventRecord, reporter: EventReporter, count: number): EventManifest {
  const { apiVersion, kind, metadata } = record.subject
  const { name, namespace, uid, resourceVersion } = metadata
  return {
    metadata: { name: record.name, namespace: record.namespace },
    involvedObject: { apiVersion, kind, name, namespace, uid, resourceVersion },
    type: record.type,
    reason: record.reason,
    message: record.message,
    source: { component: reporter.component, host: reporter.instance },
    reportingComponent: reporter.component,
    reportingInstance: reporter.instance,
    firstTimestamp: timestamp(record.firstMs),
    lastTimestamp: timestamp(record.lastMs),
    count,
  }
}
