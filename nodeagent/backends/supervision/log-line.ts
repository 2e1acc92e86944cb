import type { LogLine } from '../backend.js'

const lineFeed = Buffer.from('\n')
const space = 32

/**
 * A line of a log file, without its line feed: `TIME STREAM TAG TEXT`, where TAG is F
 * for a whole line and P for a piece. Undefined for any other.
 */
export function parseLogLine(bytes: Buffer): LogLine | undefined {
  const afterTime = bytes.indexOf(space)
  const afterStream = bytes.indexOf(space, afterTime + 1)
  const afterTag = bytes.indexOf(space, afterStream + 1)
  if (afterTime < 0 || afterStream < 0 || afterTag < 0) return undefined
  const text = bytes.subarray(afterTag + 1)
  return {
    time: bytes.toString('latin1', 0, afterTime),
    stream: bytes.toString('latin1', afterTime + 1, afterStream) === 'stderr' ? 'stderr' : 'stdout',
    bytes: isWholeLogLine(bytes) ? Buffer.concat([text, lineFeed]) : Buffer.from(text),
  }
}

/** Whether the line is a whole one, or the last piece of one. */
export function isWholeLogLine(bytes: Buffer): boolean {
  const afterStream = bytes.indexOf(space, bytes.indexOf(space) + 1)
  return bytes.toString('latin1', afterStream + 1, afterStream + 3) === 'F '
}
