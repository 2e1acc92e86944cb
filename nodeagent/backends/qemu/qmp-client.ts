/**
 * Speaks QMP, QEMU's control protocol, over a unix socket: a line of JSON each way. QEMU talks to one client at a time, and others wait in
 * line: connect, ask, close. To connect again is the caller's affair.
 *
 *     const qmp = await QmpClient.connect(socketPath, signal)
 *     await qmp.execute('system_powerdown')
 *     qmp.close()
 */
import type net from 'node:net'
import { connectUnix } from './connect-unix.js'

export interface QmpEvent {
  readonly event: string
  readonly data: Readonly<Record<string, unknown>>
}

/** QEMU refused a command, or did not answer. */
export class QmpError extends Error {
  override readonly name = 'QmpError'
  constructor(
    message: string,
    /** QEMU's class of the error, as DeviceNotFound; absent when it did not answer. */
    readonly errorClass?: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

interface Pending {
  readonly command: string
  resolve(answer: unknown): void
  reject(error: unknown): void
}

interface QmpLine {
  readonly QMP?: unknown
  readonly id?: number
  readonly return?: unknown
  readonly error?: { readonly class: string; readonly desc: string }
  readonly event?: string
  readonly data?: Record<string, unknown>
}

const defaultTimeoutMs = 10_000
/** A line that is longer is no answer of QEMU's. */
const longestLine = 16 * 1024 * 1024

export class QmpClient {
  private readonly pending = new Map<number, Pending>()
  private readonly listeners = new Set<(event: QmpEvent) => void>()
  private nextId = 1
  private held = ''
  private greeted: (() => void) | undefined
  private failure: QmpError | undefined
  /** Resolves when the connection has ended, whoever ended it. */
  readonly closed: Promise<void>

  private constructor(
    private readonly socket: net.Socket,
    private readonly socketPath: string,
  ) {
    socket.setEncoding('utf8')
    socket.on('data', (text: string) => this.take(text))
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.fail(new QmpError(`QEMU closed the connection of ${socketPath}`))
        resolve()
      })
    })
    socket.on('end', () => socket.destroy())
  }

  /** Connects and agrees on the protocol. Rejects with QmpError, or the signal's reason. */
  static async connect(socketPath: string, signal: AbortSignal, timeoutMs = defaultTimeoutMs): Promise<QmpClient> {
    const socket = await connectUnix(socketPath, signal).catch((cause) => {
      signal.throwIfAborted()
      throw new QmpError(`QEMU does not answer at ${socketPath}: ${(cause as Error).message}`, undefined, { cause })
    })
    const client = new QmpClient(socket, socketPath)
    try {
      await client.answered('its greeting', timeoutMs, signal, (resolve) => {
        client.greeted = () => resolve(undefined)
      })
      await client.execute('qmp_capabilities', {}, { timeoutMs, signal })
      return client
    } catch (error) {
      client.close()
      throw error
    }
  }

  /** Resolves with what QEMU returns. Rejects with QmpError when it refuses, has no answer in time, or goes. */
  async execute(
    command: string,
    args: Readonly<Record<string, unknown>> = {},
    { timeoutMs = defaultTimeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    if (this.failure) throw this.failure
    const id = this.nextId++
    try {
      return await this.answered(command, timeoutMs, signal, (resolve, reject) => {
        this.pending.set(id, { command, resolve, reject })
        this.socket.write(`${JSON.stringify({ execute: command, arguments: args, id })}\n`)
      })
    } finally {
      this.pending.delete(id)
    }
  }

  /** Calls `listener` with each event from now on. Returns how to stop. */
  onEvent(listener: (event: QmpEvent) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Idempotent. Commands without an answer reject. */
  close(): void {
    this.fail(new QmpError(`the connection of ${this.socketPath} was closed`))
    this.socket.destroy()
  }

  private answered(
    what: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
    begin: (resolve: (answer: unknown) => void, reject: (error: unknown) => void) => void,
  ): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        this.socket.off('close', onClose)
      }
      const refuse = (error: unknown) => {
        done()
        reject(error)
      }
      const onAbort = () => refuse(signal?.reason)
      const onClose = () => refuse(this.failure ?? new QmpError(`QEMU closed the connection of ${this.socketPath}`))
      const timer = setTimeout(() => refuse(new QmpError(`QEMU did not answer ${what} within ${timeoutMs / 1000} s`)), timeoutMs)
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      this.socket.once('close', onClose)
      begin((answer) => {
        done()
        resolve(answer)
      }, refuse)
    })
  }

  private take(text: string): void {
    this.held += text
    if (this.held.length > longestLine) this.close()
    for (let end = this.held.indexOf('\n'); end >= 0; end = this.held.indexOf('\n')) {
      const line = this.held.slice(0, end).trim()
      this.held = this.held.slice(end + 1)
      if (line !== '') this.read(line)
    }
  }

  private read(line: string): void {
    const message = parseLine(line)
    if (message === undefined) this.close()
    else if (message.QMP !== undefined) this.greeted?.()
    else this.handle(message)
  }

  private handle(message: QmpLine): void {
    if (message.event !== undefined) {
      for (const listener of this.listeners) listener({ event: message.event, data: message.data ?? {} })
      return
    }
    const pending = message.id === undefined ? undefined : this.pending.get(message.id)
    if (!pending) return
    if (message.error) pending.reject(new QmpError(`QEMU refused ${pending.command}: ${message.error.desc}`, message.error.class))
    else pending.resolve(message.return)
  }

  private fail(error: QmpError): void {
    this.failure ??= error
    for (const pending of this.pending.values()) pending.reject(this.failure)
  }
}

function parseLine(line: string): QmpLine | undefined {
  try {
    return JSON.parse(line) as QmpLine
  } catch {
    return undefined
  }
}
