import { Task, type TaskSpec, type TaskStatus } from '../api/kinds/task.js'
import type { ObjectMeta } from '../api/object-meta.js'

export interface TaskParts {
  readonly name?: string
  readonly namespace?: string
  readonly metadata?: Partial<ObjectMeta>
  readonly spec?: Partial<TaskSpec>
  readonly status?: TaskStatus
}

/** What the server writes into the spec of a Task that leaves everything out. */
export const defaultTaskSpec: TaskSpec = {
  restartPolicy: 'Never',
  backoffLimit: 6,
  onNodeLost: 'Keep',
  terminationGracePeriodSeconds: 30,
  suspend: false,
  priority: 0,
  privileged: false,
}

/** A Task as the server would return it: busybox on docker unless said otherwise. */
export function aTask({ name = 'a', namespace = 'default', metadata, spec, status }: TaskParts = {}): Task {
  return {
    apiVersion: Task.apiVersion,
    kind: 'Task',
    metadata: {
      name,
      namespace,
      uid: namespace === 'default' ? `uid-${name}` : `uid-${namespace}-${name}`,
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...metadata,
    },
    spec: { ...defaultTaskSpec, ...(spec?.command ? {} : { image: 'busybox' }), ...spec },
    ...(status ? { status } : {}),
  }
}
