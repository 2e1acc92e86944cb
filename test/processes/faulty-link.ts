/**
 * A TCP hop to a server, by which a test makes the network between two programs fail. A partition as the kernel shows it: nobody gets an
 * error, bytes wait, and what was sent before the heal arrives after it.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * How a link fails. `silent`: no byte passes, either way. `requestsLost` and `answersLost`: one way alone is silent. `slow`: every chunk
 * comes 1.5 s late. `reset`: all connections break, and new ones break when they are made.
 */
export const linkFaults = ['silent', 'requestsLost', 'answersLost', 'slow', 'reset'] as const
export type LinkFault = (typeof linkFaults)[number]

export interface FaultyLink {
  readonly port: number
  fail(fault: LinkFault): void
  /** Fails so once this many further bytes have passed. */
  failAfter(bytes: number, fault: LinkFault): void
  /** All is as before; bytes that waited pass now. */
  heal(): void
  close(): Promise<void>
}

const lateMs = 1_500

/** One way of one connection. */
interface Way {
  readonly from: Socket
  readonly isRequest: boolean
}

export async function startFaultyLink(targetPort: number): Promise<FaultyLink> {
  const ways = new Set<Way>()
  let fault: LinkFault | undefined
  let next: { readonly fault: LinkFault; bytes: number } | undefined
  const isHeld = ({ isRequest }: Way) => fault === 'silent' || fault === (isRequest ? 'requestsLost' : 'answersLost')
  const update = (way: Way) => (isHeld(way) ? way.from.pause() : way.from.resume())
  const relay = (from: Socket, to: Socket, isRequest: boolean) => {
    const way = { from, isRequest }
    ways.add(way)
    let late = Promise.resolve()
    const pass = (chunk: Buffer) => {
      if (to.destroyed) return
      const isWritten = to.write(chunk)
      if (next) next.bytes -= chunk.length
      if (next && next.bytes <= 0) fail(next.fault)
      if (isWritten) return
      from.pause()
      to.once('drain', () => update(way))
    }
    from.on('data', (chunk: Buffer) => {
      const dueMs = performance.now() + (fault === 'slow' ? lateMs : 0)
      late = late.then(() => wait(dueMs - performance.now())).then(() => pass(chunk))
    })
    from.on('end', () => void late.then(() => to.end()))
    from.on('error', () => to.destroy())
    from.on('close', () => {
      ways.delete(way)
      void late.then(() => to.destroy())
    })
    update(way)
  }
  const nears = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (near) => {
    if (fault === 'reset') return void near.resetAndDestroy()
    nears.add(near.once('close', () => nears.delete(near)))
    const far = connect({ port: targetPort, host: '127.0.0.1', allowHalfOpen: true })
    for (const socket of [near, far]) socket.setNoDelay(true)
    relay(near, far, true)
    relay(far, near, false)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const breakAll = () => {
    for (const { from } of ways) from.resetAndDestroy()
  }
  const fail = (now: LinkFault) => {
    fault = now
    next = undefined
    if (now === 'reset') breakAll()
    for (const way of ways) update(way)
  }
  return {
    port: (server.address() as AddressInfo).port,
    fail,
    failAfter(bytes, then) {
      next = { bytes, fault: then }
    },
    heal() {
      fault = undefined
      next = undefined
      for (const way of ways) update(way)
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const near of nears) near.destroy()
      await closed
    },
  }
}

const wait = (ms: number) => (ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : undefined)
