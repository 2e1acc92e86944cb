import { isConflict, isForbidden, isNotFound } from '../../lib/api/api-error.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { Task, type TaskStatus } from '../../lib/api/kinds/task.js'
import { backoffDelayMs } from '../../lib/base/backoff.js'
import { type Clock, sleep } from '../../lib/base/clock.js'
import type { Logger } from '../../lib/base/log.js'
import type { Client } from '../../lib/client/client.js'

export interface StatusReporterOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly signal: AbortSignal
  /** Called with the task as it stands after a write. */
  readonly onWritten: (task: Task) => void
}

const maxTries = 4

/**
 * Writes one task's status: only what differs, with the revision that was judged, the newest state only. A write never holds up the workload; what
 * comes while one is under way is written after it. Failures are tried again until the signal aborts.
 */
export class StatusReporter {
  private wanted: { readonly task: Task; readonly statusOf: (task: Task) => TaskStatus } | undefined
  private writing: Promise<void> | undefined

  constructor(private readonly options: StatusReporterOptions) {}

  /** `statusOf` is asked again when the task has changed meanwhile. */
  report(task: Task, statusOf: (task: Task) => TaskStatus): void {
    this.wanted = { task, statusOf }
    this.writing ??= this.writeAll().finally(() => {
      this.writing = undefined
      if (this.wanted && !this.options.signal.aborted) this.report(this.wanted.task, this.wanted.statusOf)
    })
  }

  /** Resolves when nothing is being written. */
  async flushed(): Promise<void> {
    while (this.writing) await this.writing
  }

  private async writeAll(): Promise<void> {
    const { clock, log, signal } = this.options
    for (let failures = 0; this.wanted && !signal.aborted; ) {
      const { task, statusOf } = this.wanted
      this.wanted = undefined
      try {
        await this.write(task, statusOf)
        failures = 0
      } catch (error) {
        // To a node that it is not bound to, a task is as good as gone; the watch will say so.
        if (signal.aborted || isNotFound(error) || isForbidden(error)) return
        this.wanted ??= { task, statusOf }
        log.warn({ task: task.metadata.name, err: error }, 'the status of a task could not be written; it is tried again')
        await sleep(clock, backoffDelayMs(failures++, { initialMs: 500, maxMs: 15_000 }), signal).catch(() => {})
      }
    }
  }

  private async write(judged: Task, statusOf: (task: Task) => TaskStatus): Promise<void> {
    const { client, signal, onWritten } = this.options
    const tasks = client.of(Task)
    let task = judged
    for (let tries = 1; ; tries++) {
      const patch = statusPatch(task.status ?? {}, statusOf(task))
      if (!patch) return
      const { name, namespace, uid, resourceVersion } = task.metadata
      try {
        const body = { metadata: { resourceVersion, uid }, status: patch }
        onWritten(await tasks.mergePatch({ name, namespace }, body, { subresource: 'status', signal }))
        return
      } catch (error) {
        if (!isConflict(error) || tries >= maxTries) throw error
        const current = await tasks.get({ name, namespace }, { signal })
        if (current.metadata.uid !== uid) return
        task = current
      }
    }
  }
}

/** The fields that differ, null for those that go; undefined when nothing differs. */
export function statusPatch(before: TaskStatus, after: TaskStatus): Record<string, unknown> | undefined {
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])] as (keyof TaskStatus)[]
  const changed = fields.filter((field) => !sameValue(before[field], after[field]))
  return changed.length === 0 ? undefined : Object.fromEntries(changed.map((field) => [field, after[field] ?? null]))
}
