import { isConflict, isForbidden, isNotFound } from '../../lib/api/api-error.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import { backoffDelayMs } from '../../lib/base/backoff.js'
import { type Clock, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { ObjectName, WriteOptions } from '../../lib/client/client.js'
import { isOlder } from './is-older.js'

interface ReportedObject {
  readonly metadata: ObjectMeta
  readonly status?: object
}

/** Reads and writes the objects of one kind: `client.of(Task)`. */
export interface StatusClient<T> {
  get(at: ObjectName, options?: { signal?: AbortSignal }): Promise<T>
  mergePatch(at: ObjectName, patch: object, options?: WriteOptions & { subresource?: 'status' }): Promise<T>
}

export interface StatusReporterOptions<T> {
  readonly objects: StatusClient<T>
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
  /** Called with the object as it stands after a write. */
  readonly onWritten: (object: T) => void
}

const maxTries = 4

/**
 * Writes one object's status: only what differs, with the revision that was judged, the newest state only. A write never holds up the
 * workload; what comes while one is under way is written after it. Failures are tried again until the signal aborts.
 */
export class StatusReporter<T extends ReportedObject> {
  private wanted: { readonly object: T; readonly statusOf: (object: T) => NonNullable<T['status']> } | undefined
  private writing: Promise<void> | undefined
  /** As the object stood after the last write. */
  private written: T | undefined

  constructor(private readonly options: StatusReporterOptions<T>) {}

  /** `statusOf` is asked again when the object has changed meanwhile. */
  report(object: T, statusOf: (object: T) => NonNullable<T['status']>): void {
    this.wanted = { object, statusOf }
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined
      if (this.wanted && !this.options.signal.aborted) this.report(this.wanted.object, this.wanted.statusOf)
    })
  }

  /** Resolves when nothing is being written. */
  async flushed(): Promise<void> {
    while (this.writing) await this.writing
  }

  private async writeAll(): Promise<void> {
    const { clock, log, signal } = this.options
    for (let failures = 0; this.wanted && !signal.aborted; ) {
      const { statusOf } = this.wanted
      // What was judged while the write before was under way is behind it, and would be refused.
      const object = this.written && isOlder(this.wanted.object, this.written) ? this.written : this.wanted.object
      this.wanted = undefined
      try {
        await this.write(object, statusOf)
        failures = 0
      } catch (error) {
        // To a node that it is not bound to, an object is as good as gone; the watch will say so.
        if (signal.aborted || isNotFound(error) || isForbidden(error)) return
        this.wanted ??= { object, statusOf }
        log.warn({ object: object.metadata.name, err: error }, 'a status could not be written; it is tried again')
        await sleep(clock, backoffDelayMs(failures++, { initialMs: 500, maxMs: 15_000 }), signal).catch(() => {})
      }
    }
  }

  private async write(judged: T, statusOf: (object: T) => NonNullable<T['status']>): Promise<void> {
    const { objects, signal, onWritten } = this.options
    let object = judged
    for (let tries = 1; ; tries++) {
      const patch = statusPatch(object.status ?? {}, statusOf(object))
      if (!patch) return
      const { name, namespace, uid, resourceVersion } = object.metadata
      try {
        const body = { metadata: { resourceVersion, uid }, status: patch }
        this.written = await objects.mergePatch({ name, namespace }, body, { subresource: 'status', signal })
        onWritten(this.written)
        return
      } catch (error) {
        if (!isConflict(error) || tries >= maxTries) throw error
        const current = await objects.get({ name, namespace }, { signal })
        if (current.metadata.uid !== uid) return
        object = current
      }
    }
  }
}

/** The fields that differ, null for those that go; undefined when nothing differs. */
export function statusPatch<S extends object>(before: S, after: S): Record<string, unknown> | undefined {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof S & string)[]
  const changed = fields.filter((field) => !sameValue(before[field], after[field]))
  return changed.length === 0 ? undefined : Object.fromEntries(changed.map((field) => [field, after[field] ?? null]))
}
