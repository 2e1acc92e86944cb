/** No answer came, or it ended early. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
}
