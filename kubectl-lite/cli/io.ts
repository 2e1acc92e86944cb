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

/** Writes raw bytes as they come; for logs. */
export interface ByteIo extends Io {
  outBytes(chunk: Uint8Array): Promise<void>
}
