/**
 * What the agent wrote down about a machine before it acted, so that a later agent knows what this one meant: whether its disk was ever
 * whole, whether its end was asked for, and which requests of people its last start has seen. Without it, a disk that was lost and one that
 * was never made would look the same, and a restart that was asked for once would be done at every start of the agent.
 */
export interface MachineRecord {
  readonly namespace: string
  readonly name: string
  /** Whether its making returned: from then on its disk is there, or lost. */
  readonly made: boolean
  /** How often it was started. */
  readonly starts: number
  /**
   * none: never begun; starting: a start was begun and may have got through; started: it got through, and what
   * ends now ends by itself; stopped: the agent has asked it to end.
   */
  readonly run: 'none' | 'starting' | 'started' | 'stopped'
  /** Crashes in a row, which decide how long the next start waits. */
  readonly streak: number
  /** The value of millrace.dev/restartedAt that its last start saw. */
  readonly restartedAt?: string | undefined
  /** The value of millrace.dev/resetAt that was acted on. */
  readonly resetAt?: string | undefined
}
