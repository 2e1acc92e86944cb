import type { KubeObject } from '../api/define-kind.js'
import type { Logger } from '../base/log.js'
import type { ObjectName } from '../client/client.js'
import { objectName } from '../client/resource-path.js'
import type { AnyInformer, InformerCache } from './cache.js'
import type { Controller } from './controller.js'
import { controllerOf } from './owner-reference.js'
import type { Watch } from './watch.js'

interface ConnectedInformers {
  readonly reconciled: AnyInformer
  readonly owned: readonly AnyInformer[]
  readonly watched: readonly { readonly watch: Watch; readonly informer: AnyInformer }[]
}

/** Makes the keys due that a difference concerns. Returns what disconnects it. Objects that are there already count as additions. */
export function connectTriggers(
  controller: Controller,
  informers: ConnectedInformers,
  cache: InformerCache,
  log: Logger,
  enqueue: (key: string) => void,
): () => void {
  const namespaced = controller.for.scope === 'Namespaced'
  const keyOf = (at: ObjectName) => (namespaced && at.namespace ? `${at.namespace}/${at.name}` : at.name)
  const ownerKeys = (object: KubeObject) => {
    const owner = controllerOf(object)
    return owner && isOf(controller, owner) ? [keyOf({ namespace: object.metadata.namespace, name: owner.name })] : []
  }
  const concernedKeys =
    ({ concerns }: Watch) =>
    (object: KubeObject) => {
      try {
        return [...concerns(object, cache)].map(keyOf)
      } catch (err) {
        log.error({ err, kind: object.kind, object: objectName(object) }, 'a watch failed to say what a change concerns')
        return []
      }
    }
  const disconnects = [
    onChange(informers.reconciled, (object) => [objectName(object)], enqueue),
    ...informers.owned.map((informer) => onChange(informer, ownerKeys, enqueue)),
    ...informers.watched.map(({ informer, watch }) => onChange(informer, concernedKeys(watch), enqueue)),
  ]
  return () => {
    for (const disconnect of disconnects) disconnect()
  }
}

/** Whether an owner is of the controller's kind, in whatever version it is named. */
function isOf({ for: { group, kind } }: Controller, owner: { readonly apiVersion: string; readonly kind: string }): boolean {
  const ownerGroup = owner.apiVersion.includes('/') ? owner.apiVersion.slice(0, owner.apiVersion.indexOf('/')) : ''
  return owner.kind === kind && ownerGroup === group
}

/** For an update, the state before is looked at too, since what pointed at the object then may care as well. Each key becomes due once. */
function onChange(informer: AnyInformer, keysOf: (object: KubeObject) => readonly string[], enqueue: (key: string) => void): () => void {
  const enqueueAll = (...objects: KubeObject[]) => {
    for (const key of new Set(objects.flatMap(keysOf))) enqueue(key)
  }
  return informer.subscribe({
    add: (object) => enqueueAll(object),
    update: (object, previous) => enqueueAll(previous, object),
    delete: (object) => enqueueAll(object),
  })
}
