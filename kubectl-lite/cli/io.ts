import type { TerminalSize } from '../../lib/stream/terminal-size.js'

/** Where a command reads and writes. `main.ts` makes one of the process; tests make one of strings. */
export interface Io {
  /** Data: what a pipe carries on. Resolves when the reader has taken it. */
  out(text: string): Promise<void>
  /** Messages: for the person who looks on. */
  err(text: string): void
  /** All of standard input. */
  readInput(): Promise<string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly cwd: string
  /** Whether standard output is a terminal. */
  readonly terminal: boolean
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  /** Wall-clock time, milliseconds. */
  now(): number
}

/** Raw bytes as they come; for logs and sessions. */
export interface ByteIo extends Io {
  outBytes(chunk: Uint8Array): Promise<void>
  errBytes(chunk: Uint8Array): Promise<void>
  /** Standard input, to its end. */
  inputBytes(): AsyncIterable<Uint8Array>
  /** Where standard input is a terminal. */
  readonly inputTerminal: InputTerminal | undefined
}

export interface InputTerminal {
  /** From now on keys come as they are typed, Ctrl-C included. Returns how to end that. */
  raw(): () => void
  size(): TerminalSize
  /** Returns how to stop. */
  onResize(listener: () => void): () => void
}
