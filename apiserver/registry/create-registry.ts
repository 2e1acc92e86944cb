import { randomUUID } from 'node:crypto'
import { notFound } from '../../lib/api/api-error.js'
import type { Kind } from '../../lib/api/define-kind.js'
import type { Clock } from '../../lib/base/clock.js'
import type { Admit } from '../admission/admit.js'
import type { Store } from '../storage/store.js'
import { bindWorkloads } from './bind-workloads.js'
import { createObject } from './create-object.js'
import { deleteObject } from './delete-object.js'
import { patchObject } from './patch-object.js'
import type { Registry } from './registry.js'
import type { Preparation, RegistryParts } from './registry-write.js'
import { createResourceRules, keyOf, type ResourceRules, subjectOf } from './resource-rules.js'
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
  /** Numbers in [0, 1). Default Math.random. */
  readonly random?: () => number
  /** Default: random UUIDs. */
  readonly newUid?: () => string
}

/** The registry of these kinds on this store; see registry.ts. */
export function createRegistry(options: RegistryOptions): Registry {
  const rules = new Map<Kind, ResourceRules>(options.kinds.map((kind) => [kind, createResourceRules(kind)]))
  const byPath = new Map(options.kinds.map((kind) => [`${kind.group}/${kind.version}/${kind.plural}`, kind]))
  const parts: RegistryParts = {
    store: options.store,
    clock: options.clock,
    admission: options.admission ?? [],
    allowance: new WriteAllowance(options.clock),
    preparations: options.preparations ?? {},
    random: options.random ?? Math.random,
    newUid: options.newUid ?? randomUUID,
    rulesOf(kind) {
      const known = rules.get(kind)
      if (!known) throw new Error(`the registry does not serve the kind ${kind.kind}`)
      return known
    },
  }
  return {
    kinds: options.kinds,
    findKind: (group, version, plural) => byPath.get(`${group}/${version}/${plural}`),
    get({ kind, namespace, name }) {
      const found = options.store.get(keyOf(kind, namespace, name))
      if (!found) throw notFound(subjectOf(kind, name))
      return found
    },
    create: (kind, namespace, body, context) => createObject(parts, kind, namespace, body, context),
    update: (target, body, context) => updateObject(parts, target, body, context),
    patch: (target, type, body, context) => patchObject(parts, target, type, body, context),
    delete: (target, deleteOptions, context) => deleteObject(parts, target, deleteOptions, context),
    bind: (kind, bindings, context) => bindWorkloads(parts, kind, bindings, context),
  }
}
