import { type ChildProcess, spawn } from 'node:child_process'
import { Socket as DatagramSocket } from 'node:dgram'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connectDatagrams } from '../../connect-datagrams.js'
import { NotListening } from '../../connect-to.js'
import { findScript } from '../../find-script.js'
import { searchPath } from './enter-container.js'

/** Longer than the helper itself waits for an answer. */
const withinMs = 15_000
const ended = 'the container has ended'

/** What an order waits for. */
interface Waiting {
  taken(socket: unknown): void
  failed(why: string): void
}

/**
 * Opens sockets in the network of one container, by way of one process that has entered it (open-sockets.pl) and passes each socket on.
 * What goes through a connection is this process's business alone, and the connection outlives the door.
 */
export class ContainerDoor {
  private readonly helper: ChildProcess
  private readonly waiting = new Map<number, Waiting>()
  private lastId = 0
  private idle: NodeJS.Timeout | undefined
  private isClosed = false

  /**
   * `pid` is the container's first process, `namespace` the one that its workload is in; `onClosed` is called once, when no socket can be
   * opened any more: the container has ended, or nobody asked for `idleMs`.
   */
  constructor(
    pid: number,
    containerId: string,
    readonly namespace: string,
    private readonly idleMs: number,
    private readonly onClosed: () => void,
  ) {
    this.helper = spawn('perl', [findScript('docker/sessions/open-sockets.pl'), String(pid), containerId], {
      cwd: '/',
      env: { PATH: searchPath },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'json',
    })
    this.helper.on('message', (message, socket) => this.hear(message, socket))
    this.helper.on('error', (error) => this.end(error.message))
    this.helper.once('disconnect', () => this.end(ended))
    this.helper.once('exit', () => this.end(ended))
    this.rest()
  }

  /** Whether nobody waits for a socket. */
  get isIdle(): boolean {
    return this.waiting.size === 0
  }

  /** Connects to the first of the addresses that answers on the port. Rejects with NotListening. */
  async connect(addresses: readonly string[], port: number, signal: AbortSignal): Promise<Duplex> {
    const socket = await this.ask('tcp', port, addresses, signal)
    if (!(socket instanceof Socket)) throw new NotListening(`port ${port} cannot be connected to: no connection came back`)
    // Each side may end its half.
    socket.allowHalfOpen = true
    return socket.on('error', () => {}) // who reads or writes learns of it
  }

  /** Sends datagrams to a port of the container's loopback, framed (lib/stream/datagrams.ts). Rejects with NotListening. */
  async connectDatagrams(port: number, signal: AbortSignal): Promise<Duplex> {
    const socket = await this.ask('udp', port, [], signal)
    if (!(socket instanceof DatagramSocket)) throw new NotListening(`udp port ${port} cannot be reached: no socket came back`)
    return connectDatagrams('127.0.0.1', port, signal, socket)
  }

  /** Whoever waits for a socket hears that there is none; connections go on. */
  close(why = 'it was broken off'): void {
    this.end(why)
  }

  private ask(protocol: 'tcp' | 'udp', port: number, addresses: readonly string[], signal: AbortSignal): Promise<unknown> {
    const id = ++this.lastId
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void) => {
        clearTimeout(deadline)
        signal.removeEventListener('abort', onAbort)
        this.waiting.delete(id)
        if (this.isIdle) this.rest()
        settled()
      }
      const failed = (why: string) =>
        settle(() => reject(new NotListening(`${protocol === 'udp' ? 'udp ' : ''}port ${port} cannot be connected to: ${why}`)))
      const onAbort = () => failed('nobody waits for it any more')
      const deadline = setTimeout(() => failed(`no answer for ${withinMs / 1000} s`), withinMs)
      this.waiting.set(id, { failed, taken: (socket) => settle(() => resolve(socket)) })
      clearTimeout(this.idle)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      this.helper.send([id, protocol, port, ...addresses].join(' '), (error) => error && this.end(ended))
    })
  }

  private hear(message: unknown, socket: unknown): void {
    const { id, why } = typeof message === 'number' ? { id: message } : (message as { id?: number; why?: string })
    const waiting = this.waiting.get(id ?? 0)
    if (id === undefined) this.end(why ?? ended)
    else if (why !== undefined) waiting?.failed(why)
    else if (waiting) waiting.taken(socket)
    // Nobody waits for it any more.
    else if (socket instanceof Socket) socket.destroy()
    else if (socket instanceof DatagramSocket) socket.close()
  }

  private rest(): void {
    clearTimeout(this.idle)
    if (!this.isClosed) this.idle = setTimeout(() => this.close(), this.idleMs).unref()
  }

  private end(why: string): void {
    if (this.isClosed) return
    this.isClosed = true
    clearTimeout(this.idle)
    for (const { failed } of [...this.waiting.values()]) failed(why)
    this.helper.kill('SIGKILL')
    this.onClosed()
  }
}
