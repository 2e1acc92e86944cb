import type { Kind } from '../../../lib/api/define-kind.js'
import { Task } from '../../../lib/api/kinds/task.js'
import { Vps } from '../../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../../lib/api/kinds/vps-snapshot.js'

type BoundKind = Pick<Kind, 'group' | 'plural' | 'kind'>

/**
 * The kinds whose objects are of the node that spec.nodeName names: its agent follows them, reports on them, and takes its finalizer away.
 */
export const boundKinds: readonly BoundKind[] = [Task, Vps, VpsSnapshot]

/** Those of them that run. */
export const runningKinds: readonly BoundKind[] = [Task, Vps]

export const boundKindOf = (kindName: string | undefined): BoundKind | undefined => boundKinds.find(({ kind }) => kind === kindName)

export const isBoundKind = ({ group, plural }: Pick<Kind, 'group' | 'plural'>): boolean =>
  boundKinds.some((kind) => kind.group === group && kind.plural === plural)
