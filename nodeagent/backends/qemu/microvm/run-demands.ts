import { guestMemoryBytes } from '../../../../lib/api/guest-memory.js'
import { minimumGuestMemoryBytes } from '../../../../lib/api/kinds/task-validation.js'
import { BackendError, type RunSpec } from '../../backend.js'
import { commandOf } from './guest-orders.js'

/** The server refuses these too; an agent does not rely on it. Pure. */
export function refuseUnsupported(run: RunSpec): void {
  const refused = run.spec.privileged ? 'privileged' : run.mounts.length > 0 ? 'volumes' : run.gpus?.length ? 'GPUs' : undefined
  if (refused) throw new BackendError('Unsupported', `the qemu backend does not support ${refused}`, false)
  if (!run.spec.image) throw new BackendError('Unsupported', 'the qemu backend needs an image', false)
  if (commandOf(run.spec).length === 0) throw new BackendError('Unsupported', 'the qemu backend needs a command', false)
  if (guestMemoryBytes(run.spec) < minimumGuestMemoryBytes)
    throw new BackendError('Unsupported', `a microVM needs a memory of at least ${minimumGuestMemoryBytes / 1024 ** 2}Mi`, false)
}
