import { isForbidden, isNotFound } from '../../lib/api/api-error.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import type { Client } from '../../lib/client/client.js'
import type { MachineBackend } from '../backends/machine-backend.js'
import { StepError } from '../execute/step-error.js'

/** The uid under which a snapshot lies on this node. Rejects with a StepError, in words, when it does not. */
export async function locateSnapshot(
  at: { readonly namespace: string; readonly name: string },
  backend: MachineBackend,
  client: Client,
  signal: AbortSignal,
): Promise<string> {
  const notHere = (why: string) => new StepError('SnapshotNotHere', `the VpsSnapshot "${at.name}" ${why}`, true)
  let snapshot: VpsSnapshot
  try {
    snapshot = await client.of(VpsSnapshot).get(at, { signal })
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) throw notHere('is not there, or lies on another node')
    throw error
  }
  const { uid } = snapshot.metadata
  if ((await backend.observeSnapshots(signal)).some((observed) => observed.uid === uid)) return uid
  throw notHere(
    snapshot.status?.phase === 'Ready' ? 'is not on this node' : `is not ready yet; it is ${snapshot.status?.phase ?? 'Pending'}`,
  )
}
