import { type FileHandle, open } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'

/** The kernel takes no longer path of a socket. */
const longestPath = 100

/** Connects to a socket in the file system, however long its path is. Each side may end its half. Rejects with the system's error. */
export async function connectUnix(socketPath: string, signal: AbortSignal): Promise<net.Socket> {
  signal.throwIfAborted()
  const folder = Buffer.byteLength(socketPath) > longestPath ? await open(path.dirname(socketPath), 'r') : undefined
  try {
    return await connect(shortPath(socketPath, folder), signal)
  } finally {
    await folder?.close()
  }
}

function shortPath(socketPath: string, folder: FileHandle | undefined): string {
  return folder ? `/proc/self/fd/${folder.fd}/${path.basename(socketPath)}` : socketPath
}

function connect(socketPath: string, signal: AbortSignal): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ path: socketPath, allowHalfOpen: true })
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      reject(error)
    }
    const onAbort = () => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('error', fail)
      socket.on('error', () => {}) // whoever reads or writes learns of it
      resolve(socket)
    })
  })
}
