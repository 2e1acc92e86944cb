/**
 * What an agent says in the status of what is bound to its node. All else there others say: who may log in, what was given with the
 * binding, what a controller has done. A node in the wrong hands puts no word into their mouths.
 */
import { forbiddenField, type StatusCause } from '../../../lib/api/api-error.js'
import type { KubeObject } from '../../../lib/api/define-kind.js'
import { sameValue } from '../../../lib/api/json/same-value.js'
import { Task, type TaskStatus } from '../../../lib/api/kinds/task.js'
import { Vps, type VpsStatus } from '../../../lib/api/kinds/vps.js'
import { VpsSnapshot, type VpsSnapshotStatus } from '../../../lib/api/kinds/vps-snapshot.js'
import { type FieldSet, isEmptySet, noFields } from '../../../lib/api/managed-fields/field-set.js'

interface Reported<Field extends string = string> {
  readonly fields: readonly Field[]
  /** Types of conditions. */
  readonly conditions: readonly string[]
}

const ofTask: Reported<keyof TaskStatus> = {
  fields: ['phase', 'observedGeneration', 'startedAt', 'finishedAt', 'exitCode', 'signal', 'oomKilled', 'restarts', 'address', 'runtimeId'],
  conditions: ['Accepted', 'ImageReady', 'Running', 'Ready', 'Complete'],
}

const ofVps: Reported<keyof VpsStatus> = {
  fields: ['phase', 'observedGeneration', 'startedAt', 'stoppedAt', 'starts', 'address', 'runtimeId', 'resources', 'restoredFrom'],
  conditions: ['Accepted', 'ImageReady', 'DiskReady', 'Running', 'Ready', 'ResizePending', 'Restored'],
}

const ofSnapshot: Reported<keyof VpsSnapshotStatus> = { fields: ['phase', 'takenAt', 'sizeBytes'], conditions: ['Ready'] }

const reported = new Map<string, Reported>([
  [Task.kind, ofTask],
  [Vps.kind, ofVps],
  [VpsSnapshot.kind, ofSnapshot],
])

const reportedOf = (kindName: string): Reported => reported.get(kindName) ?? { fields: [], conditions: [] }

/** One cause for each field of the status, and each type of condition, that differs and is not the agent's to say. */
export function restrictStatus(old: KubeObject, next: KubeObject): StatusCause[] {
  const { fields, conditions } = reportedOf(old.kind)
  const [before, after] = [statusOf(old), statusOf(next)]
  const names = new Set([...Object.keys(before), ...Object.keys(after)])
  for (const own of [...fields, 'conditions']) names.delete(own)
  const types = new Set([...typesOf(before), ...typesOf(after)])
  for (const own of conditions) types.delete(own)
  return [
    ...[...names].filter((name) => !sameValue(said(before, name), said(after, name))).map((name) => notItsWord(`status.${name}`)),
    ...[...types]
      .filter((type) => !sameValue(ofType(before, type), ofType(after, type)))
      .map((type) => notItsWord(`status.conditions[${type}]`)),
  ]
}

/** What of the fields of a status that a manager has applied is not the agent's. */
export function appliedByOthers(kindName: string, set: FieldSet): FieldSet {
  const { fields, conditions } = reportedOf(kindName)
  const without = (among: FieldSet, elements: readonly string[]) =>
    Object.fromEntries(Object.entries(among).filter(([element]) => element !== '.' && !elements.includes(element)))
  const { 'f:conditions': types = noFields, ...rest } = set
  const others = without(
    types,
    conditions.map((type) => `k:${JSON.stringify({ type })}`),
  )
  const named = without(
    rest,
    [...fields, 'attempt'].map((field) => `f:${field}`),
  )
  return isEmptySet(others) ? named : { ...named, 'f:conditions': others }
}

const notItsWord = (field: string) => forbiddenField(field, 'others say this, not a node')

type Status = Readonly<Record<string, unknown>>

const statusOf = ({ status }: KubeObject): Status => (typeof status === 'object' && status !== null ? (status as Status) : {})

/** The first attempt is one whether somebody has said so or not, and an agent says so. */
const said = (status: Status, name: string): unknown => status[name] ?? (name === 'attempt' ? 0 : undefined)

const conditionsOf = ({ conditions = [] }: Status): readonly unknown[] => (Array.isArray(conditions) ? conditions : [conditions])
const typeOf = (condition: unknown): string => String((condition as { type?: unknown } | null | undefined)?.type)
const typesOf = (status: Status): string[] => conditionsOf(status).map(typeOf)
const ofType = (status: Status, type: string): unknown[] => conditionsOf(status).filter((condition) => typeOf(condition) === type)
