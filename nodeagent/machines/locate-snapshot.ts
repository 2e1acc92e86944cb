import { isForbidden, isNotFound } from '../../lib/api/api-error.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import type { AgentParts } from '../agent-parts.js'
import type { MachineBackend } from '../backends/machine-backend.js'
import { fetchSnapshot } from '../snapshots/fetch-snapshot.js'
import type { StepContext } from '../steps/step-context.js'
import { StepError } from '../steps/step-error.js'

/** A snapshot that lies on this node now. */
export interface LocatedSnapshot {
  readonly uid: string
  /** Whether it was copied from another node, for this one restore. */
  readonly isCopy: boolean
}

/**
 * Finds a snapshot on this node, or brings it here, until something else is to be done: nobody who deletes a Vps waits for the end of a
 * copy. Rejects with a StepError, in words, when there is none yet.
 */
export async function locateSnapshot(
  at: { readonly namespace: string; readonly name: string },
  backend: MachineBackend,
  {
    parts,
    signal,
    superseded,
    onPullProgress: onProgress,
  }: Pick<StepContext<Vps, MachineBackend>, 'parts' | 'signal' | 'superseded' | 'onPullProgress'>,
): Promise<LocatedSnapshot> {
  const { client, nodeName, transfers } = parts
  const { metadata, spec, status } = await read(at, client, signal)
  const { uid } = metadata
  const isCopy = spec.nodeName !== nodeName
  if (status?.backend !== backend.name)
    throw new StepError(
      'Unsupported',
      `the VpsSnapshot "${at.name}" is of a Vps with backend ${status?.backend}, not ${backend.name}`,
      false,
    )
  if ((await backend.observeSnapshots(signal)).some((observed) => observed.uid === uid)) return { uid, isCopy }
  if (status.phase !== 'Ready') throw notHere(at.name, `is not ready; it is ${status.phase ?? 'Pending'}`)
  if (!isCopy) throw notHere(at.name, 'is no longer on this node')
  const copying = AbortSignal.any([signal, superseded])
  const file = await fetchSnapshot({ ...at, uid }, { client, folder: transfers, onProgress }, copying)
  await backend.importSnapshot(file, uid, status.vpsUid ?? '', signal)
  return { uid, isCopy }
}

async function read(at: { namespace: string; name: string }, client: AgentParts['client'], signal: AbortSignal): Promise<VpsSnapshot> {
  try {
    return await client.of(VpsSnapshot).get(at, { signal })
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) throw notHere(at.name, 'is not there')
    throw error
  }
}

const notHere = (name: string, why: string) => new StepError('SnapshotNotHere', `the VpsSnapshot "${name}" ${why}`, true)
