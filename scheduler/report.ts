import { isConflict, isNotFound } from '../lib/api/api-error.js'
import { type Condition, withCondition } from '../lib/api/condition.js'
import type { KubeObject } from '../lib/api/define-kind.js'
import { Node } from '../lib/api/kinds/node.js'
import type { Clock } from '../lib/base/clock.js'
import type { Logger } from '../lib/base/log.js'
import type { Client } from '../lib/client/client.js'
import type { EventRecorder } from '../lib/client/events/event-recorder.js'
import type { Reporter } from './scheduler.js'
import type { Workload, WorkloadObject } from './workload.js'

export interface ReportOptions {
  readonly client: Client
  readonly clock: Clock
  readonly log: Logger
  readonly events: EventRecorder
  /** The workload's object as the watch last showed it. */
  readonly objectOf: (workload: Workload) => WorkloadObject | undefined
}

export interface Reports extends Reporter {
  /** Resolves when everything reported so far is written or given up, and Events are not waited for long. */
  close(): Promise<void>
}

const writers = 8
const maxTries = 4

/**
 * Writes what the scheduler has to say: the Scheduled condition of refused
 * workloads, and Events. Of several refusals of one workload, the last.
 */
export function createReports(options: ReportOptions): Reports {
  const { client, clock, log, events, objectOf } = options
  const waiting = new Map<string, { workload: Workload; message: string }>()
  const writing = new Set<Promise<void>>()

  const pump = () => {
    while (writing.size < writers) {
      const next = waiting.entries().next().value
      if (!next) return
      const [key, { workload, message }] = next
      waiting.delete(key)
      const done = writeRefusal(workload, message)
        .catch((error: unknown) => log.warn({ workload: key, err: error }, 'the Scheduled condition could not be written'))
        .then(() => {
          writing.delete(done)
          pump()
        })
      writing.add(done)
    }
  }

  async function writeRefusal(workload: Workload, message: string): Promise<void> {
    const objects = client.of(workload.kind)
    const { namespace, name } = workload
    let object = objectOf(workload)
    for (let tries = 0; tries < maxTries; tries++) {
      if (!object || object.metadata.uid !== workload.uid || object.spec.nodeName || object.metadata.deletionTimestamp) return
      const before = object.status?.conditions
      const conditions = withScheduledFalse(before, message, clock.now())
      if (conditions === before) return
      const { uid, resourceVersion } = object.metadata
      try {
        await objects.mergePatch(
          { namespace, name },
          { metadata: { uid, resourceVersion }, status: { conditions } },
          { subresource: 'status' },
        )
        return
      } catch (error) {
        if (isNotFound(error)) return
        if (!isConflict(error)) throw error
        object = (await objects.get({ namespace, name })) as unknown as WorkloadObject
      }
    }
  }

  return {
    scheduled(workload, nodeName) {
      events.record(subjectOf(workload), 'Normal', 'Scheduled', `bound to node ${nodeName}`)
    },
    refused(workload, message) {
      waiting.set(workload.key, { workload, message })
      pump()
      events.record(subjectOf(workload), 'Warning', 'FailedScheduling', message)
    },
    overCommitted(nodeName, uid, message) {
      log.error({ node: nodeName, reason: message }, 'a node is over-committed')
      const metadata = { name: nodeName, uid }
      events.record({ apiVersion: Node.apiVersion, kind: Node.kind, metadata }, 'Warning', 'MemoryOverCommitted', message)
    },
    async close() {
      while (writing.size > 0) await Promise.all(writing)
      await events.close()
    },
  }
}

function withScheduledFalse(conditions: readonly Condition[] | undefined, message: string, nowMs: number): readonly Condition[] {
  return withCondition(conditions, { type: 'Scheduled', status: 'False', reason: 'Unschedulable', message }, nowMs)
}

function subjectOf({
  kind,
  namespace,
  name,
  uid,
}: Workload): Pick<KubeObject, 'apiVersion' | 'kind'> & { metadata: { namespace: string; name: string; uid: string } } {
  return { apiVersion: kind.apiVersion, kind: kind.kind, metadata: { namespace, name, uid } }
}
