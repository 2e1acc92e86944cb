/**
 * What no retry would mend: the object is left alone until it, or something that it depends on, changes. `reason` is one CamelCase word.
 */
export class TerminalError extends Error {
  override readonly name = 'TerminalError'
  readonly reason: string

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}
