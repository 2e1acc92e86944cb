import { randomUUID } from 'node:crypto'
import { notFound } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Admit } from '../admission/admit.js'
import type { Store } from '../storage/store.js'
import { applyObject } from './apply-object.js'
import { bindWorkloads } from './bind-workloads.js'
import { createObject } from './create-object.js'
import { deleteObject } from './delete-object.js'
import { evictWorkload } from './evict-workload.js'
import { GpuAssignment } from './gpu-assignment.js'
import { KindSet } from './kind-set.js'
import { patchObject } from './patch-object.js'
import type { Registry } from './registry.js'
import type { Preparation, RegistryParts } from './registry-write.js'
import { createResourceRules, keyOf, type ResourceRules, subjectOf } from './resource-rules.js'
import { getScale, scaleObject } from './scale-object.js'
import { settleDefinitions } from './settle-definitions.js'
import { BudgetFinder } from './spend-budget.js'
import type { StrategySettings } from './strategies/index.js'
import { updateObject } from './update-object.js'
import { WriteAllowance } from './write-allowance.js'

export interface RegistryOptions {
  readonly store: Store
  readonly kinds: readonly Kind[]
  readonly clock: Clock
  /** Asked in this order about every write. Default: nobody. */
  readonly admission?: readonly Admit[]
  /** By `group/plural`: what completes a new object asynchronously. */
  readonly preparations?: Readonly<Record<string, Preparation>>
  /** Default: as each strategy has it. */
  readonly settings?: StrategySettings
  /** Numbers in [0, 1). Default Math.random. */
  readonly random?: () => number
  /** Default: random UUIDs. */
  readonly newUid?: () => string
}

/** The registry of these kinds, and of those that users define, on this store; see registry.ts. */
export function createRegistry(options: RegistryOptions): Registry {
  const kinds = new KindSet(options.store, options.kinds)
  const rules = new WeakMap<Kind, ResourceRules>()
  const parts: RegistryParts = {
    store: options.store,
    clock: options.clock,
    admission: options.admission ?? [],
    allowance: new WriteAllowance(options.clock),
    gpus: new GpuAssignment(
      options.store,
      options.kinds.filter(({ workload }) => workload),
    ),
    budgets: new BudgetFinder(),
    preparations: options.preparations ?? {},
    random: options.random ?? Math.random,
    newUid: options.newUid ?? randomUUID,
    kinds,
    rulesOf(kind) {
      const known = rules.get(kind)
      if (known) return known
      const made = createResourceRules(kind, options.settings)
      rules.set(kind, made)
      return made
    },
  }
  kinds.onChange(() => settleDefinitions(parts))
  return {
    get kinds() {
      return kinds.all
    },
    findKind: (group, version, plural) => kinds.find(group, version, plural),
    serves: (kind) => kinds.has(kind),
    onKindsChange: (listener) => kinds.onChange(listener),
    serve: (kind, stored) => (kind.definedBy ? parts.rulesOf(kind).serve(stored) : stored),
    get({ kind, namespace, name }) {
      const found = options.store.get(keyOf(kind, namespace, name))
      if (!found) throw notFound(subjectOf(kind, name))
      return kind.definedBy ? parts.rulesOf(kind).serve(found) : found
    },
    create: (kind, namespace, body, context) => createObject(parts, kind, namespace, body, context),
    update: (target, body, context, options) => updateObject(parts, target, body, context, options),
    patch: (target, type, body, context) => patchObject(parts, target, type, body, context),
    apply: (target, body, applyOptions, context) => applyObject(parts, target, body, applyOptions, context),
    getScale: (target) => getScale(parts, target),
    scale: (target, type, body, context) => scaleObject(parts, target, type, body, context),
    delete: (target, deleteOptions, context) => deleteObject(parts, target, deleteOptions, context),
    evict: (target, evictOptions, context) => evictWorkload(parts, target, evictOptions, context),
    bind: (kind, bindings, context) => bindWorkloads(parts, kind, bindings, context),
  }
}
