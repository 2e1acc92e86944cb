/**
 * The serial console of a machine for all that look on. QEMU talks to one client at a time, so the agent is that one, and only while
 * somebody looks on; what each of them types goes to the machine. Whoever does not read in time misses something, as with a real line.
 */
import type net from 'node:net'
import { Duplex } from 'node:stream'
import { BackendError } from '../../backend.js'
import { connectUnix } from '../connect-unix.js'

const mostHeldBytes = 256 * 1024

export class MachineConsole {
  private readonly watchers = new Set<Watcher>()
  private line: Promise<net.Socket> | undefined

  constructor(private readonly socketPath: string) {}

  /** Rejects with BackendError. */
  async open(signal: AbortSignal): Promise<Duplex> {
    this.line ??= this.connect(signal)
    const socket = await this.line
    const watcher = new Watcher(socket, () => {
      this.watchers.delete(watcher)
      if (this.watchers.size === 0) this.hangUp(socket)
    })
    this.watchers.add(watcher)
    return watcher
  }

  private async connect(signal: AbortSignal): Promise<net.Socket> {
    try {
      const socket = await connectUnix(this.socketPath, signal)
      socket.on('data', (bytes: Buffer) => {
        for (const watcher of this.watchers) watcher.show(bytes)
      })
      socket.on('end', () => socket.destroy())
      socket.on('close', () => {
        this.line = undefined
        for (const watcher of [...this.watchers]) watcher.finish()
      })
      return socket
    } catch (cause) {
      this.line = undefined
      signal.throwIfAborted()
      throw new BackendError('StartFailed', 'the machine is not running, and has no console', true, { cause })
    }
  }

  private hangUp(socket: net.Socket): void {
    this.line = undefined
    socket.destroy()
  }
}

/** One that looks on. */
class Watcher extends Duplex {
  constructor(
    private readonly socket: net.Socket,
    private readonly onGone: () => void,
  ) {
    super({ allowHalfOpen: true })
    this.on('error', () => {}) // who reads or writes learns of it
  }

  show(bytes: Buffer): void {
    if (!this.destroyed && !this.readableEnded && this.readableLength + bytes.length <= mostHeldBytes) this.push(bytes)
  }

  /** The machine ended. */
  finish(): void {
    if (!this.destroyed) this.push(null)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.socket.destroyed) done(new Error('the machine ended'))
    else this.socket.write(chunk, done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.onGone()
    done(error)
  }
}
