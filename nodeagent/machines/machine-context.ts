import type { Vps } from '../../lib/api/kinds/vps.js'
import type { MachineBackend } from '../backends/machine-backend.js'
import type { AgentParts } from '../execute/workload-context.js'

/** What an executor of a machine's step works on. */
export interface MachineContext {
  readonly parts: AgentParts
  readonly uid: string
  /** Undefined when the API binds no such machine here. */
  readonly vps: Vps | undefined
  /** Undefined when the node has no such backend. */
  readonly backend: MachineBackend | undefined
  readonly signal: AbortSignal
  readonly onPullProgress: (text: string) => void
  /** Called with the Vps as it stands after a write. */
  readonly onWritten: (vps: Vps) => void
  /** Called when the API says that it has no such Vps, or not for this node. */
  readonly onGone: () => void
}
