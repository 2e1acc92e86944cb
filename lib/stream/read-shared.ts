import type { Socket } from 'node:net'

/** What one read can take: of a target's bytes as much as the kernel holds, of TLS a record. */
const readBytes = 128 * 1024

/** Every socket of the process reads into this. */
const shared = Buffer.allocUnsafeSlow(readBytes)

/** Takes what was read, which is overwritten when this returns; false: nothing more is read until the socket is resumed. */
export type HearBytes = (bytes: Buffer) => boolean

/**
 * From now on what a socket reads goes to `hear`, out of one buffer that all share, instead of into a Buffer for each read: those lie
 * outside of the heap, and the collector walks the whole heap for every few dozen megabytes of them. This is the `onread` of Node, which it
 * offers when a socket is made, and not for one that a server has accepted: so it is put there afterwards. False, and nothing was done,
 * where Node has no such thing or bytes wait to be read.
 */
export function readShared(socket: Socket, hear: HearBytes): boolean {
  const { _handle: handle } = socket as { _handle?: { useUserBuffer?(buffer: Buffer): void } | null }
  const [buffer, callback] = [ownSymbol(socket, 'kBuffer'), ownSymbol(socket, 'kBufferCb')]
  if (!handle?.useUserBuffer || !buffer || !callback || socket.readableLength > 0) return false
  Object.assign(socket, { [buffer]: shared, [callback]: (count: number) => hear(shared.subarray(0, count)) })
  handle.useUserBuffer(shared)
  return true
}

function ownSymbol(of: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(of).find(({ description }) => description === name)
}
