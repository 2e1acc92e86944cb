import type { Vps } from '../../lib/api/kinds/vps.js'
import type { VpsSnapshot } from '../../lib/api/kinds/vps-snapshot.js'
import type { AgentParts } from '../agent-parts.js'
import { removeArrived } from './fetch-snapshot.js'

export interface SnapshotsWanted {
  /** Complete: every VpsSnapshot of this node. */
  readonly snapshots: readonly Pick<VpsSnapshot, 'metadata'>[]
  /** Complete: every Vps of this node. */
  readonly vpses: readonly Vps[]
}

/**
 * Removes snapshots that no VpsSnapshot of this node stands for: copies that were fetched for a restore that is done, what was deleted while
 * the agent was away with its node's name, and what had arrived of a copy that nobody wants any more. While a Vps waits for a restore, a
 * copy may be what it waits for, and all stay.
 */
export async function removeStrays(
  { machines, transfers }: Pick<AgentParts, 'machines' | 'transfers'>,
  wanted: SnapshotsWanted,
  signal: AbortSignal,
): Promise<void> {
  if (wanted.vpses.some(isToBeRestored)) return
  await removeArrived(transfers)
  const known = new Set(wanted.snapshots.map(({ metadata }) => metadata.uid))
  for (const backend of machines.values())
    for (const { uid } of await backend.observeSnapshots(signal)) if (!known.has(uid)) await backend.removeSnapshot(uid, signal)
}

/** Whether its disk is to be that of a snapshot, and is not yet. */
export function isToBeRestored({ spec, status }: Vps): boolean {
  const { name, request } = spec.restoreFrom ?? {}
  return name !== undefined && (status?.restoredFrom?.name !== name || status.restoredFrom.request !== request)
}
