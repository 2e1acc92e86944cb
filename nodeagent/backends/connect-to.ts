import net from 'node:net'

const timeoutMs = 10_000

/** Nothing of a run answers on a port. */
export class NotListening extends Error {
  override readonly name = 'NotListening'
}

/** Connects by TCP. Each side may end its half. Rejects with NotListening. */
export function connectTo(host: string, port: number, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, allowHalfOpen: true, noDelay: true, timeout: timeoutMs })
    const fail = (why: string, cause?: unknown) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      reject(new NotListening(`port ${port} cannot be connected to: ${why}`, { cause }))
    }
    const onAbort = () => fail('nobody waits for it any more', signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('timeout', () => fail(`no answer for ${timeoutMs / 1000} s`))
    socket.once('error', (error) => fail(error.message, error))
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      socket.removeAllListeners('timeout').removeAllListeners('error').setTimeout(0)
      socket.on('error', () => {}) // who reads or writes learns of it
      resolve(socket)
    })
  })
}
