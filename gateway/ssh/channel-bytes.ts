/**
 * What an SSH channel needs that its library leaves to us: bytes go out at the pace of the
 * client's window and of its socket, and a half can end alone.
 */
import type { Socket } from 'node:net'
import type { Duplex, Writable } from 'node:stream'
import type { ServerChannel } from 'ssh2'

/** What the library has of a channel beyond its types. */
interface Innards {
  /** A piece that waited for the client's window. It is kept, and would be sent again when the channel's other stream waits. */
  _chunk: Buffer | undefined
  _chunkcb: unknown
  _chunkErr: Buffer | undefined
  _chunkcbErr: unknown
  readonly incoming: { readonly state: 'open' | 'eof' | 'closed' }
  /** Tells the client that nothing more comes; `end` would close the channel. */
  eof(): void
}

const innards = (channel: ServerChannel) => channel as unknown as Innards

/** Whether the client has closed the channel. The library says so only once everything was read. */
export function isClosedByClient(channel: ServerChannel): boolean {
  return innards(channel).incoming.state === 'closed'
}

/**
 * Writes to the channel or to its stderr, one piece at a time. Resolves when the piece is
 * on its way; with false when nobody is there for it any more.
 */
export async function writeToChannel(socket: Socket, channel: ServerChannel, stream: Writable, bytes: Buffer): Promise<boolean> {
  if (!(await settled(socket, channel, socket.writableNeedDrain ? (done) => socket.once('drain', done) : undefined))) return false
  const written = await settled(socket, channel, (done) => stream.write(bytes, done))
  const held = innards(channel)
  held._chunk = undefined
  held._chunkcb = undefined
  held._chunkErr = undefined
  held._chunkcbErr = undefined
  return written
}

/** Resolves with true when `begin` calls back, with false when the channel or its connection is gone. */
function settled(socket: Socket, channel: ServerChannel, begin: ((done: () => void) => void) | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const finish = (value: boolean) => {
      channel.off('close', onGone)
      socket.off('close', onGone)
      resolve(value)
    }
    const onGone = () => finish(false)
    if (socket.destroyed || !channel.writable || isClosedByClient(channel)) return resolve(false)
    if (!begin) return resolve(true)
    channel.once('close', onGone)
    socket.once('close', onGone)
    begin(() => finish(true))
  })
}

/**
 * Hands on what the client sends, at the pace of `write`; `end` is called after
 * the last of it. What comes when `write` has failed is dropped.
 */
export function readChannel(channel: ServerChannel, write: (bytes: Buffer) => Promise<unknown>, end: () => void): void {
  channel.on('data', (bytes: Buffer) => {
    channel.pause()
    write(bytes).then(
      () => channel.resume(),
      () => channel.resume(),
    )
  })
  channel.once('end', end)
}

/** So long the far side may take for what a client has sent before it closed the channel. */
const lastBytesMs = 60_000

/** Tells whether the client has ended its half: the library ends it for one who leaves as well. */
function watchEof(channel: ServerChannel): () => boolean {
  let hasEnded = false
  const push = channel.push.bind(channel)
  channel.push = (chunk, encoding) => {
    if (chunk === null && innards(channel).incoming.state === 'eof') hasEnded = true
    return push(chunk, encoding)
  }
  return () => hasEnded
}

/**
 * Joins a channel with a stream, each half to its own end; `onFarEnd` comes before the client is
 * told of it. When the far side has ended before, a client closes the channel right behind its last
 * bytes: those still go out. Resolves, never rejects, when the channel is closed.
 */
export async function joinChannel(socket: Socket, channel: ServerChannel, far: Duplex, onFarEnd: () => void = () => {}): Promise<void> {
  const hasEnded = watchEof(channel)
  readChannel(
    channel,
    (bytes) => new Promise<void>((resolve, reject) => far.write(bytes, (error) => (error ? reject(error) : resolve()))),
    () => far.end(),
  )
  const closed = new Promise<void>((resolve) => {
    channel.once('close', () => {
      resolve()
      if (!hasEnded() || !far.readableEnded) return void far.destroy()
      const impatient = setTimeout(() => far.destroy(), lastBytesMs).unref()
      far.once('close', () => clearTimeout(impatient))
    })
  })
  try {
    for await (const bytes of far.iterator({ destroyOnReturn: false })) if (!(await writeToChannel(socket, channel, channel, bytes))) break
    onFarEnd()
    innards(channel).eof()
    if (!far.writableFinished && !far.destroyed) await new Promise((resolve) => far.once('close', resolve).once('finish', resolve))
  } catch {
    // It broke: so does the channel.
  }
  channel.resume()
  channel.close()
  await closed
}
