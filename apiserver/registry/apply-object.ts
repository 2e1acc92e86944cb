import { conflict, notFound, staleResourceVersion } from '../../lib/api/api-error.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { cloneValue } from '../../lib/api/json/clone-value.js'
import { sameValue } from '../../lib/api/json/same-value.js'
import { appliedFields } from '../../lib/api/managed-fields/applied-fields.js'
import { comparedSet, differenceFrom, isEmptySet } from '../../lib/api/managed-fields/field-set.js'
import { type FieldManager, type ManagedFieldsEntry, managedEntry, managedFieldsOf } from '../../lib/api/managed-fields/managed-entry.js'
import type { JsonSchema } from '../../lib/api/schema/json-schema.js'
import { timestamp } from '../../lib/base/clock.js'
import { type ApplyOutcome, applyConfiguration } from '../patch/apply/apply-configuration.js'
import { arrangeEntries } from '../patch/apply/arrange-entries.js'
import { fieldConflictError } from '../patch/apply/field-conflict-error.js'
import { clientSideSuccessor, lastAppliedFields, withLastApplied } from '../patch/apply/last-applied.js'
import { untrackedEntries } from '../patch/apply/untracked-entries.js'
import type { Decide, StoredObject } from '../storage/store.js'
import { bear, decideCreate, prepare } from './create-object.js'
import { type Change, decideUpdate } from './decide-update.js'
import { incomingObject } from './incoming-object.js'
import { parseStored } from './object-bytes.js'
import { readConfiguration } from './read-configuration.js'
import type { ApplyOptions, DecodedBody, ObjectResult, RequestContext, Target } from './registry.js'
import { type RegistryParts, write } from './registry-write.js'
import { keyOf, type ResourceRules, subjectOf } from './resource-rules.js'

/** One apply: who applies what to what. */
interface Apply {
  readonly rules: ResourceRules
  readonly target: Target
  readonly configuration: KubeObject
  readonly applier: FieldManager
  readonly force: boolean
}

/** Applies a configuration to an object as it is in the committer's turn, or creates it; see registry.ts. */
export async function applyObject(
  parts: RegistryParts,
  target: Target,
  body: DecodedBody,
  options: ApplyOptions,
  context: RequestContext,
): Promise<ObjectResult> {
  const { kind, namespace, name, subresource } = target
  const rules = parts.rulesOf(kind)
  const configuration = readConfiguration(rules, target, body, context)
  const part = subresource === '' ? {} : { subresource }
  const applier: FieldManager = { manager: context.fieldManager, operation: 'Apply', apiVersion: kind.apiVersion, ...part }
  const apply: Apply = { rules, target, configuration, applier, force: options.force }
  const key = keyOf(kind, namespace, name)
  const create = parts.store.get(key) === undefined ? await creation(parts, apply, options, context) : undefined
  const decide: Decide = (current, view) => {
    if (current) return decideUpdate(parts, rules, target, changeBy(parts, apply), current, view, context)
    if (create) return create(current, view)
    throw notFound(subjectOf(kind, name))
  }
  const result = await write(parts, key, decide, context)
  return { object: rules.serve(result.object as StoredObject), created: result.outcome === 'created' }
}

/** How the object is created when it is absent; its parts have no existence of their own. */
async function creation(parts: RegistryParts, apply: Apply, options: ApplyOptions, context: RequestContext): Promise<Decide | undefined> {
  const { rules, target, configuration, applier } = apply
  const { kind, name } = target
  if (target.subresource !== '') return undefined
  options.assertMayCreate()
  const { uid, resourceVersion } = configuration.metadata
  if (uid) throw conflict(subjectOf(kind, name), `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`)
  if (resourceVersion) throw staleResourceVersion(subjectOf(kind, name))
  const { object } = incomingObject(kind, { value: cloneValue(configuration), duplicates: [] })
  const fields = appliedFields(kind.schema, configuration)
  const track = (born: KubeObject) => (isEmptySet(fields) ? undefined : [managedEntry(applier, fields, born.metadata.creationTimestamp)])
  const newborn = await prepare(parts, kind, bear(parts, rules, target.namespace, object, context, track), context)
  return decideCreate(parts, rules, newborn, context)
}

/** The configuration as a change of the stored object. */
function changeBy(parts: RegistryParts, apply: Apply): Change {
  const { rules, target, configuration, applier } = apply
  const { kind } = target
  let outcome: ApplyOutcome | undefined
  return {
    guarded: Boolean(configuration.metadata.resourceVersion),
    next(stored) {
      const live = parseStored(rules.serve(stored))
      const time = timestamp(parts.clock.now())
      outcome = applyTo(live, entriesOf(kind.schema, live, time), apply)
      const object = applier.manager === clientSideSuccessor ? withLastApplied(outcome.object, configuration) : outcome.object
      const { uid, resourceVersion } = configuration.metadata
      const metadata = { ...object.metadata, ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) }
      return incomingObject(kind, { value: { ...object, metadata }, duplicates: [] }).object
    },
    track: ({ differs, time }) => outcome && entriesAfter(outcome, applier, differs, time),
  }
}

/** The managers so far. */
function entriesOf(schema: JsonSchema, live: KubeObject, time: string): readonly ManagedFieldsEntry[] {
  const entries = managedFieldsOf(live)
  return entries.length > 0 ? entries : untrackedEntries(schema, live, time)
}

/** Throws the conflicts, but for those that force or the migration from client-side apply resolves. */
function applyTo(live: KubeObject, entries: readonly ManagedFieldsEntry[], { target, configuration, applier, force }: Apply): ApplyOutcome {
  const { schema } = target.kind
  const outcome = applyConfiguration(schema, { live, configuration, entries, applier })
  if (force || outcome.conflicts.length === 0) return outcome
  const own = applier.manager === clientSideSuccessor ? comparedSet(lastAppliedFields(schema, live)) : undefined
  const conflicts = outcome.conflicts
    .map(({ manager, fields }) => ({ manager, fields: own ? differenceFrom(fields, own) : fields }))
    .filter(({ fields }) => !isEmptySet(fields))
  if (conflicts.length > 0) throw fieldConflictError(subjectOf(target.kind, target.name), conflicts)
  return outcome
}

/** The time of an entry is that of its last difference, in fields or in values. */
function entriesAfter({ others, fields, previous }: ApplyOutcome, applier: FieldManager, differs: boolean, time: string) {
  const isAsBefore = previous !== undefined && !differs && sameValue(previous.fieldsV1, fields)
  const entries = arrangeEntries([...others, isAsBefore ? previous : managedEntry(applier, fields, time)])
  return entries.length > 0 ? entries : undefined
}
