/** What a watch tells its client, before it is dressed. */
export interface WireEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  /** The object as one line of JSON. */
  readonly body: Buffer
  /** The revision up to which everything has been delivered once this event has; absent where that cannot be said. */
  readonly id?: number
}

/** Bytes in the body of a chunked HTTP answer. `chunk` has the chunk's own frame around `[bodyStart, bodyEnd)`. */
export interface Frame {
  readonly chunk: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
}

/**
 * Events that go out together. Each dressing is made once, when the first watcher asks for it, and the same bytes go to every socket.
 */
export class EventBatch {
  #json: Frame | undefined
  #sse: Frame | undefined
  #messages: readonly Buffer[] | undefined

  constructor(readonly events: readonly WireEvent[]) {}

  /** Kubernetes' frames: one JSON document per line. */
  json(): Frame {
    this.#json ??= frame(this.events.flatMap((event) => [openings[event.type], event.body, jsonEnd]))
    return this.#json
  }

  /** Server-sent events. */
  sse(): Frame {
    this.#sse ??= frame(this.events.flatMap((event) => [names[event.type], idLine(event.id), dataField, event.body, sseEnd]))
    return this.#sse
  }

  /** The JSON documents one by one, for WebSocket text messages. */
  messages(): readonly Buffer[] {
    this.#messages ??= this.events.map((event) => Buffer.concat([openings[event.type], event.body, closing]))
    return this.#messages
  }
}

const eventTypes = ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'] as const
const perType = (text: (type: string) => string) =>
  Object.fromEntries(eventTypes.map((type) => [type, Buffer.from(text(type))])) as Record<WireEvent['type'], Buffer>

const openings = perType((type) => `{"type":"${type}","object":`)
const names = perType((type) => `event: ${type}\n`)
const closing = Buffer.from('}')
const jsonEnd = Buffer.from('}\n')
const dataField = Buffer.from('data: ')
const sseEnd = Buffer.from('\n\n')
const nothing = Buffer.alloc(0)
const chunkEnd = Buffer.from('\r\n')
const idLine = (id: number | undefined) => (id === undefined ? nothing : Buffer.from(`id: ${id}\n`))

/** A line that keeps proxies and watchdogs awake. */
export const sseComment: Frame = frame([Buffer.from(': alive\n\n')])

function frame(pieces: readonly Buffer[]): Frame {
  let size = 0
  for (const piece of pieces) size += piece.length
  const head = Buffer.from(`${size.toString(16)}\r\n`)
  return { chunk: Buffer.concat([head, ...pieces, chunkEnd], head.length + size + 2), bodyStart: head.length, bodyEnd: head.length + size }
}
