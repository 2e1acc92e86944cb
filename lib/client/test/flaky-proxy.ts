/** A TCP proxy in front of a real server, by which a test makes the network fail: cut, refused, or silent. */
import net, { type Socket } from 'node:net'
import { freePort } from '../../../test/processes/free-port.js'

export interface FlakyProxy {
  readonly url: string
  /** Connections that were accepted so far. */
  readonly accepted: number
  /** Bytes that passed so far, both ways. */
  readonly passed: number
  /** Breaks all connections; new ones are accepted. */
  cut(): void
  /** Breaks all connections and refuses new ones, as a server that is being restarted does. */
  stop(): Promise<void>
  restart(): Promise<void>
  /** Holds back every byte, both ways, on present and new connections, until `flow`. */
  stall(): void
  flow(): void
  close(): Promise<void>
}

export async function startFlakyProxy(target: string): Promise<FlakyProxy> {
  const { hostname, port: targetPort, protocol } = new URL(target)
  const sockets = new Set<Socket>()
  let stalled = false
  let accepted = 0
  let passed = 0
  const onConnection = (near: Socket) => {
    accepted++
    const far = net.connect(Number(targetPort), hostname)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.pipe(to)
      from.on('data', (chunk) => (passed += chunk.length))
      from.on('error', () => to.destroy())
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      if (stalled) from.pause()
    }
  }
  const listen = async (port: number) => {
    const server = net.createServer(onConnection)
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return server
  }
  const port = await freePort()
  let server = await listen(port)
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  const stop = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    cut()
    await closed
  }
  return {
    url: `${protocol}//127.0.0.1:${port}`,
    get accepted() {
      return accepted
    },
    get passed() {
      return passed
    },
    cut,
    stop,
    restart: async () => {
      server = await listen(port)
    },
    stall() {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
    flow() {
      stalled = false
      for (const socket of sockets) socket.resume()
    },
    close: stop,
  }
}
