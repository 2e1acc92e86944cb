import type { Readable, Writable } from 'node:stream'
import type { TerminalSize } from '../../lib/stream/terminal-size.js'

/** A command that somebody wants to run inside of a run. */
export interface ExecOrder {
  readonly command: readonly string[]
  /** Whether it is given an input; else it reads the end at once. */
  readonly stdin: boolean
  /** Whether it has a terminal: then what it says comes as one stream. */
  readonly tty: boolean
  /** Of a session in a machine: TERM and the language of who looks on. */
  readonly environment?: Readonly<Record<string, string>>
}

/** The command while it runs. Both directions go at the reader's pace. */
export interface ExecSession {
  /** Ending it tells the command so. Absent when no input was asked for. */
  readonly stdin?: Writable
  readonly stdout: Readable
  /** Absent with a terminal. */
  readonly stderr?: Readable
  resize(size: TerminalSize): void
  /** Resolves when the command has ended and all that it said was read: its exit code, or 128 and the number of its signal. */
  readonly ended: Promise<{ readonly exitCode: number }>
  /** Nobody is there any more: tells the command (SIGHUP), and kills it if it stays. Idempotent. */
  hangUp(): void
}
