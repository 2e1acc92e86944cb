/**
 * Tells people what a program saw or did about an object, as Events.
 *
 *     const events = createEventRecorder({ client, component: 'millrace-scheduler', clock: systemClock })
 *     events.record(task, 'Normal', 'Scheduled', 'bound to n1')
 *
 * The rule: recording returns at once and never fails; an Event that cannot be written is dropped. What recurs is counted on one Event.
 */
import { isAlreadyExists, isConflict, isNotFound, isRetryable } from '../../api/api-error.js'
import { Event } from '../../api/kinds/event.js'
import { type Clock, sleep, timestamp } from '../../base/clock.js'
import type { Logger } from '../../base/log.js'
import { TokenBucket } from '../../base/token-bucket.js'
import { type Client, ConnectionError } from '../client.js'
import { type EventRecord, type EventReporter, type EventSubject, type EventType, newEventRecord, printEvent } from './event-record.js'

export type { EventSubject, EventType } from './event-record.js'

export interface EventRecorder {
  /** `reason` is one CamelCase word; `message` a sentence for people. */
  record(subject: EventSubject, type: EventType, reason: string, message: string): void
  /** Resolves when everything recorded so far is written or dropped, however often that is tried. */
  flush(): Promise<void>
  /** For a program's end: what waits is tried for the last time, for at most five seconds, and then dropped. */
  close(): Promise<void>
}

export interface EventRecorderOptions extends EventReporter {
  readonly client: Client
  readonly clock: Clock
  readonly log?: Logger | undefined
}

/** One object may have so many different Events at once, then one every five minutes. */
const perObject = { burst: 25, perSecond: 1 / 300 }
/** All objects together. */
const overall = { burst: 1000, perSecond: 50 }
/** Records whose recurrence is counted, and objects whose rate is known. */
const maxRemembered = 4096
const maxWaiting = 1000
const writers = 4
const maxTries = 3
const retryMs = 1000
/** How often a count is written at once, when others write on the same Event. */
const maxAttempts = 3
/** How long a program that ends waits for its Events. Real time, as a request's deadline is. */
const maxClosingMs = 5_000

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, log } = options
  const reporter: EventReporter = { component: options.component, instance: options.instance }
  const remembered = new Map<string, EventRecord>()
  const rates = new Map<string, TokenBucket>()
  const overallRate = new TokenBucket({ clock, ...overall })
  const waiting = new Set<EventRecord>()
  const writing = new Set<EventRecord>()
  const events = client.of(Event)
  /** Aborted when nothing is to be tried again, and when no request is to go on. */
  const ending = new AbortController()
  const late = new AbortController()
  const { signal } = late
  let working = 0
  let idle: (() => void)[] = []

  const mayWrite = (uid: string): boolean => {
    const rate = rates.get(uid) ?? new TokenBucket({ clock, ...perObject })
    rememberLast(rates, uid, rate)
    return rate.tryTake() && overallRate.tryTake()
  }

  /** Adds to the count on the Event, which others may have written: an earlier life of this program, or one of the same name. */
  const write = async (record: EventRecord, more: number): Promise<void> => {
    const at = { namespace: record.namespace, name: record.name }
    for (let attempts = 1; ; attempts++) {
      const { standing } = record
      try {
        if (standing) {
          const { resourceVersion } = standing
          const patch = { metadata: { resourceVersion }, count: standing.count + more, lastTimestamp: timestamp(record.lastMs) }
          record.standing = standingOf(await events.mergePatch(at, patch, { signal }))
        } else record.standing = standingOf(await events.create(printEvent(record, reporter, more), { signal }))
        return
      } catch (error) {
        if (attempts === maxAttempts) throw error
        // Events go after an hour: it begins anew.
        if (standing && isNotFound(error)) record.standing = undefined
        // Who may write an Event need not be one who may read it; the answer to a patch shows it, also when it changes nothing.
        else if (isAlreadyExists(error) || isConflict(error)) record.standing = standingOf(await events.mergePatch(at, {}, { signal }))
        else throw error
      }
    }
  }

  /** Writes what the record holds, and what comes in meanwhile; drops it when that cannot be done. */
  const writeOut = async (record: EventRecord): Promise<void> => {
    for (let failures = 0; record.unwritten > 0; ) {
      const more = record.unwritten
      record.unwritten = 0
      try {
        await write(record, more)
        failures = 0
      } catch (error) {
        record.unwritten += more
        const again = !ending.signal.aborted && (error instanceof ConnectionError || isRetryable(error))
        if (again && ++failures < maxTries) {
          await sleep(clock, retryMs * failures, ending.signal).catch(() => undefined)
          continue
        }
        record.unwritten = 0
        log?.debug({ event: record.reason, object: record.subject.metadata.name, err: error }, 'an Event was dropped')
      }
    }
  }

  const work = async (): Promise<void> => {
    working++
    // What is recorded in one go is counted in one write.
    await Promise.resolve()
    for (const record of waiting) {
      waiting.delete(record)
      writing.add(record)
      await writeOut(record)
      writing.delete(record)
    }
    if (--working > 0) return
    for (const resolve of idle) resolve()
    idle = []
  }

  const flush = (): Promise<void> => (working === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve)))

  return {
    record(subject, type, reason, message) {
      const fresh = newEventRecord(reporter, subject, type, reason, message, clock.now())
      const key = `${fresh.namespace}/${fresh.name}`
      const record = remembered.get(key) ?? fresh
      rememberLast(remembered, key, record)
      record.lastMs = clock.now()
      record.unwritten++
      // What waits or is being written takes this one along.
      if (waiting.has(record) || writing.has(record)) return
      if (waiting.size >= maxWaiting || !mayWrite(subject.metadata.uid)) return
      waiting.add(record)
      if (working < writers) void work()
    },
    flush,
    async close() {
      ending.abort()
      const timer = setTimeout(() => late.abort(), maxClosingMs)
      await flush()
      clearTimeout(timer)
    },
  }
}

/** Keeps what was used last. */
function rememberLast<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key)
  map.set(key, value)
  if (map.size <= maxRemembered) return
  const [oldest] = map.keys()
  if (oldest !== undefined) map.delete(oldest)
}

function standingOf({ count = 1, metadata: { resourceVersion } }: Event): NonNullable<EventRecord['standing']> {
  return { count, resourceVersion }
}
