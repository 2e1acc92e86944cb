/**
 * What the agent wrote down about a workload before it acted, so that a later agent knows what this one meant: the run that was to start,
 * and whether its start returned. Without it, a run that vanished and a run that was never made would look the same.
 */
export interface Ledger {
  readonly namespace: string
  readonly name: string
  readonly attempt: number
  /** The newest run of the attempt that was meant to start. */
  readonly run: number
  /** Whether its start returned: from then on it exists, or it is lost. */
  readonly started: boolean
  /** Whether the agent has asked the run to end. */
  readonly stopped?: boolean | undefined
  /** Crashes in a row, which decide how long the next restart waits. */
  readonly streak: number
  /** When the first run of the attempt was meant to start, wall clock in milliseconds: the active deadline counts from it. */
  readonly attemptStartedAtMs: number
  /** Whether an address is claimed for it, or about to be, and is to be given back. */
  readonly hasAddress?: boolean | undefined
  /** The user that the attempt runs as. */
  readonly userId?: number | undefined
}
