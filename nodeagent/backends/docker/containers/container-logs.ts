import type { LogLine, LogOptions } from '../../backend.js'
import { dialEngine, type Engine, unlessMissing } from '../engine/engine.js'

const headerBytes = 8
const maxFrameBytes = 16 * 1024 * 1024

export type ContainerLogOptions = Omit<LogOptions, 'logDirectory'>

/** What a container said, as it is asked for; nothing of one that is not there. */
export async function* followContainerLogs(
  engine: Engine,
  name: string,
  options: ContainerLogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const path = `/containers/${encodeURIComponent(name)}/logs?`
  const stream = await unlessMissing(engine.call(signal, (call) => dialEngine(engine, path, logQuery(options), call)))
  if (!stream) return
  const stop = () => stream.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    yield* readContainerLogs(stream)
    signal.throwIfAborted()
  } finally {
    signal.removeEventListener('abort', stop)
    stream.destroy()
  }
}

/** What the engine is asked for. */
function logQuery({ follow, tailLines, sinceMs }: ContainerLogOptions): Record<string, string> {
  return {
    stdout: 'true',
    stderr: 'true',
    timestamps: 'true',
    follow: String(follow),
    tail: tailLines === undefined ? 'all' : String(tailLines),
    ...(sinceMs === undefined ? {} : { since: (sinceMs / 1000).toFixed(3) }),
  }
}

/** The engine's log stream: frames of stream (1 byte), 3 zero bytes, length (4 bytes) and a time with a line, or a piece of a long one. */
async function* readContainerLogs(stream: AsyncIterable<Uint8Array>): AsyncGenerator<LogLine> {
  let held = Buffer.alloc(0)
  for await (const chunk of stream) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk])
    while (held.length >= headerBytes) {
      const length = held.readUInt32BE(4)
      if (length > maxFrameBytes) throw new Error(`the engine's log has a frame of ${length} bytes`)
      if (held.length < headerBytes + length) break
      yield parseFrame(held[0] === 2 ? 'stderr' : 'stdout', held.subarray(headerBytes, headerBytes + length))
      held = held.subarray(headerBytes + length)
    }
  }
}

function parseFrame(stream: LogLine['stream'], frame: Buffer): LogLine {
  const space = frame.indexOf(32)
  return { time: frame.toString('latin1', 0, space), stream, bytes: Buffer.from(frame.subarray(space + 1)) }
}
