import type { Command } from 'commander'
import type { Cluster } from '../cluster/cluster.js'
import type { ByteIo } from './io.js'

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly kubeconfig?: string
  readonly context?: string
  readonly namespace?: string
  readonly as?: string
  readonly asGroup?: string[]
  readonly asUid?: string
}

/** What a command works with. */
export interface Cli {
  readonly io: ByteIo
  readonly flags: GlobalFlags
  /** The cluster of the kubeconfig; no request is sent by it. */
  connect(): Promise<Cluster>
}

/** A command adds its arguments, flags and action. `cli` is complete when the action runs. */
export type DefineCommand = (command: Command, cli: Cli) => void
