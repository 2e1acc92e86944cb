/** No answer came, or it ended early. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
}

/** The other side answered, and will not have the connection. */
export class StreamRefused extends StreamError {
  constructor(
    message: string,
    readonly status: number | undefined,
  ) {
    super(message)
  }
}
