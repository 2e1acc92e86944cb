import { Task, type TaskSpec, type TaskStatus } from '../api/kinds/task.js'
import { aMeta, type MetaParts } from './a-meta.js'

export interface TaskParts extends MetaParts {
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
export function aTask({ spec, status, ...meta }: TaskParts = {}): Task {
  return {
    apiVersion: Task.apiVersion,
    kind: 'Task',
    metadata: aMeta(meta),
    spec: { ...defaultTaskSpec, ...(spec?.command ? {} : { image: 'busybox' }), ...spec },
    ...(status ? { status } : {}),
  }
}
