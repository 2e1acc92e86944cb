import type { Task, TaskSpec } from '../../../lib/api/kinds/task.js'
import type { ObjectKey } from '../../../lib/api/object-key.js'
import type { StoredObject } from '../../storage/store.js'

/** What the node of a Task must read to run it: names of Secrets and ConfigMaps in the Task's own namespace. */
export interface TaskReferences {
  readonly secrets: ReadonlySet<string>
  readonly configMaps: ReadonlySet<string>
}

export function referencesOf(spec: Pick<TaskSpec, 'env' | 'envFrom' | 'volumes'>): TaskReferences {
  const secrets = new Set<string | undefined>()
  const configMaps = new Set<string | undefined>()
  for (const { valueFrom } of spec.env ?? []) {
    secrets.add(valueFrom?.secretKeyRef?.name)
    configMaps.add(valueFrom?.configMapKeyRef?.name)
  }
  for (const source of spec.envFrom ?? []) {
    secrets.add(source.secretRef?.name)
    configMaps.add(source.configMapRef?.name)
  }
  for (const volume of spec.volumes ?? []) {
    secrets.add(volume.secret?.secretName)
    configMaps.add(volume.configMap?.name)
  }
  return { secrets: named(secrets), configMaps: named(configMaps) }
}

/** Whether a Task names the Secret or ConfigMap. A stored object never changes, so each is parsed at most once. */
export function createReferenceIndex(): { names(task: StoredObject, target: ObjectKey): boolean } {
  const known = new WeakMap<StoredObject, TaskReferences>()
  return {
    names(task, target) {
      if (target.group !== '' || task.key.namespace !== target.namespace) return false
      let references = known.get(task)
      if (references === undefined) {
        references = referencesOf((JSON.parse(task.bytes.toString()) as Task).spec)
        known.set(task, references)
      }
      if (target.resource === 'secrets') return references.secrets.has(target.name)
      return target.resource === 'configmaps' && references.configMaps.has(target.name)
    },
  }
}

function named(names: ReadonlySet<string | undefined>): ReadonlySet<string> {
  return new Set([...names].filter((name) => name !== undefined))
}
