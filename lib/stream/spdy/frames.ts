/** The frames of SPDY/3.1: what is needed of them to speak with kubectl. Numbers are those of the protocol. */

export const frameTypes = { synStream: 1, synReply: 2, rstStream: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const
export const resetCodes = { refusedStream: 3, cancel: 5 } as const
export const finFlag = 1

export const headBytes = 8
/** Of a control frame. kubectl's are a few hundred bytes. */
export const maxControlBytes = 16 * 1024

export type FrameHead =
  | { readonly type: 'data'; readonly streamId: number; readonly fin: boolean; readonly length: number }
  | { readonly type: number; readonly fin: boolean; readonly length: number }

/** Reads the eight bytes in front of every frame. Throws for other versions of the protocol. */
export function parseHead(bytes: Buffer): FrameHead {
  const fin = (bytes.readUInt8(4) & finFlag) !== 0
  const length = bytes.readUIntBE(5, 3)
  const first = bytes.readUInt16BE(0)
  if ((first & 0x8000) === 0) return { type: 'data', streamId: bytes.readUInt32BE(0), fin, length }
  if (first !== 0x8003) throw new Error(`the frame is of SPDY version ${first & 0x7fff}, not 3`)
  if (length > maxControlBytes) throw new Error(`a control frame of ${length} bytes is longer than any may be`)
  return { type: bytes.readUInt16BE(2), fin, length }
}

export function dataFrame(streamId: number, bytes: Buffer, fin = false): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt32BE(streamId, 0)
  head.writeUInt8(fin ? finFlag : 0, 4)
  head.writeUIntBE(bytes.length, 5, 3)
  return Buffer.concat([head, bytes])
}

export function controlFrame(type: number, payload: Buffer, flags = 0): Buffer {
  const head = Buffer.alloc(headBytes)
  head.writeUInt16BE(0x8003, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt8(flags, 4)
  head.writeUIntBE(payload.length, 5, 3)
  return Buffer.concat([head, payload])
}

export function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index)
  return bytes
}
