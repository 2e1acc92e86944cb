/**
 * Why is an object not as it should be? The answer names what is desired, what is the case, and every reason between, gathered from the
 * object's conditions, what it depends on, its Events and the log of its changes.
 */
import type { Condition } from '../../../lib/api/condition.js'
import type { Kind, KubeObject } from '../../../lib/api/define-kind.js'
import type { VpsSpec } from '../../../lib/api/kinds/vps.js'
import { shortDuration } from '../../../lib/api/short-duration.js'
import type { ProcedureContext } from './app-router.js'
import { conditionOf } from './condition-of.js'
import { cronTaskReasons } from './cron-task-reasons.js'
import { deletionReasons } from './deletion-reasons.js'
import { nodeReasons } from './node-reasons.js'
import { actualState, desiredState } from './object-state.js'
import type { ParsedObjectInput } from './procedure-input.js'
import { ReadableObjects } from './readable-objects.js'
import { isReplicated, replicaReasons } from './replica-reasons.js'
import { workloadReasons } from './workload-reasons.js'

/** One thing that explains the state. */
export interface Reason {
  /** Where it is known from. */
  readonly source: 'condition' | 'spec' | 'node' | 'scheduler' | 'namespace' | 'finalizer' | 'owned' | 'event' | 'log'
  /** What it is about: `Task default/hello`. */
  readonly about: string
  readonly text: string
  /** RFC 3339, where it has a time. */
  readonly time?: string | undefined
  /** Whether it keeps the actual state from the desired one, as far as is known. */
  readonly isObstacle: boolean
}

export interface Why {
  readonly kind: string
  readonly namespace: string
  readonly name: string
  readonly desired: string
  readonly actual: string
  /** Whether nothing is known to stand between the two. */
  readonly isSettled: boolean
  readonly reasons: readonly Reason[]
  /** What could have explained more, but the caller may not read it. */
  readonly hidden: readonly string[]
}

export async function explainWhy(context: ProcedureContext, input: ParsedObjectInput): Promise<Why> {
  const objects = new ReadableObjects(context)
  const { kind, place } = objects.resolve(input)
  const object = objects.require(place)
  const about = aboutOf(kind, object)
  const nowMs = context.parts.clock.now()
  const reasons: Reason[] = [
    ...deletionReasons(object, about, nowMs),
    ...conditionReasons(object, about),
    ...(kind.workload ? workloadReasons({ objects, object, about, nowMs }) : []),
    ...(kind.group === '' && kind.plural === 'nodes' ? nodeReasons({ objects, node: object, nowMs }) : []),
    ...(kind.group === 'millrace.dev' && kind.plural === 'crontasks' ? cronTaskReasons({ objects, object, nowMs }) : []),
    ...(isReplicated(kind) ? replicaReasons({ objects, kind, object }) : []),
    ...eventReasons(objects.eventsAbout(object), about, nowMs),
    ...(await logReasons(context, kind, place, about)),
  ]
  return {
    kind: kind.kind,
    namespace: place.namespace,
    name: place.name,
    desired: desiredState(kind, object),
    actual: actualState(kind, object),
    isSettled: !reasons.some((reason) => reason.isObstacle),
    reasons,
    hidden: objects.hidden,
  }
}

const aboutOf = (kind: Kind, { metadata }: KubeObject) =>
  `${kind.kind} ${metadata.namespace ? `${metadata.namespace}/` : ''}${metadata.name}`

/**
 * Conditions that are not True stand in the way, but for an end that has not come, and what is not there or does not
 * wait. After the end, only how it ended does, when it failed.
 */
function conditionReasons(object: KubeObject, about: string): Reason[] {
  const conditions = (object.status as { conditions?: Condition[] } | undefined)?.conditions ?? []
  const isComplete = conditionOf(object, 'Complete')?.status === 'True'
  const hasFailed = (object.status as { phase?: string } | undefined)?.phase === 'Failed'
  return conditions.map((condition) => {
    const { type, status, reason, message, lastTransitionTime } = condition
    const words = [reason, message].filter(Boolean).join(': ')
    return {
      source: 'condition',
      about,
      text: `${type} is ${status}${words === '' ? '' : ` (${words})`}`,
      time: lastTransitionTime,
      isObstacle: isComplete ? hasFailed && type === 'Complete' : isBad(object, condition),
    }
  })
}

function isBad({ spec }: KubeObject, { type, status, reason }: Condition): boolean {
  // Somebody asked for it.
  if (reason === 'Suspended') return false
  if ((spec as Partial<VpsSpec> | undefined)?.running === false && (reason === 'Stopped' || reason === 'NotRunning')) return false
  if (reason === 'StopFailed') return true
  if (type === 'Complete' || type === 'Approved') return false
  return isWantedFalse(type) ? status !== 'False' : status !== 'True'
}

const isWantedFalse = (type: string) => /Pressure$|Pending$|Fail(ed|ure)$|Denied$|^Namespace(Deletion|Content|Finalizers)/.test(type)

/** Newest last; Warnings of the last while stand in the way of nothing by themselves, so they explain only. */
function eventReasons(events: readonly KubeObject[], about: string, nowMs: number): Reason[] {
  // Times have whole seconds; within one, the order in which they were written.
  const written = [...events].sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
  const told = written.map((event) => {
    const { type, reason, message, count, lastTimestamp, eventTime, source, reportingComponent } = event as unknown as Record<
      string,
      string | undefined
    > & {
      source?: { component?: string }
      count?: number
    }
    const time = lastTimestamp ?? eventTime ?? event.metadata.creationTimestamp
    const who = reportingComponent || source?.component
    const often = count !== undefined && count > 1 ? `, ${count} times` : ''
    const ago = `${shortDuration(Math.max(0, nowMs - Date.parse(time)))} ago`
    return {
      source: 'event' as const,
      about,
      text: `${type ?? 'Normal'} ${reason ?? ''}: ${message ?? ''} (${[who, ago].filter(Boolean).join(', ')}${often})`,
      time,
      isObstacle: false,
    }
  })
  return told.sort((a, b) => Date.parse(a.time) - Date.parse(b.time)).slice(-maxEvents)
}
const maxEvents = 10

/** Who wrote last, and when: the part of the story that no condition tells. */
async function logReasons(
  context: ProcedureContext,
  kind: Kind,
  place: Parameters<ReadableObjects['require']>[0],
  about: string,
): Promise<Reason[]> {
  if (kind.history === 'none') return []
  const entries = await context.parts.store.history(place)
  return entries.slice(-maxEntries).map(({ change, actor, timeMs }) => ({
    source: 'log',
    about,
    text: `${verbs[change.type]} by ${actor} at revision ${change.revision}`,
    time: new Date(timeMs).toISOString(),
    isObstacle: false,
  }))
}
const maxEntries = 5
const verbs = { ADDED: 'created', MODIFIED: 'changed', DELETED: 'deleted' } as const
