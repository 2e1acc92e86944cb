import type Docker from 'dockerode'
import { BackendError } from '../../backend.js'
import { readRefusal, statusOf } from './engine-refusal.js'

/** The engine behind a socket. Every call has a deadline: one that is stopped hangs its clients for ever. */
export class Engine {
  private constructor(
    readonly docker: Docker,
    readonly socketPath: string,
  ) {}

  /** Rejects with a BackendError when dockerode is not installed; opens nothing yet. */
  static async open(socketPath: string): Promise<Engine> {
    let Constructor: typeof Docker
    try {
      // A CommonJS package: the class is its default export, whatever its types say of the module.
      Constructor = ((await import('dockerode')) as unknown as { default: typeof Docker }).default
    } catch (cause) {
      throw new BackendError('BackendUnavailable', 'the package dockerode is not installed: npm install dockerode', false, { cause })
    }
    return new Engine(new Constructor({ socketPath }), socketPath)
  }

  /**
   * Makes a call; `options` go into it. What the engine refuses comes out as EngineRefusal, what it does not answer as BackendUnavailable.
   */
  async call<T>(
    signal: AbortSignal,
    make: (options: { abortSignal: AbortSignal }) => Promise<T>,
    deadlineMs = usualDeadlineMs,
  ): Promise<T> {
    const deadline = AbortSignal.timeout(deadlineMs)
    const abortSignal = AbortSignal.any([signal, deadline])
    try {
      return await Promise.race([make({ abortSignal }), rejectionOf(abortSignal)])
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (deadline.aborted) throw unavailable(`the Docker engine has not answered for ${Math.round(deadlineMs / 1000)} s`, error)
      const refusal = readRefusal(error)
      if (!refusal && isConnectionFailure(error)) throw unavailable(`no Docker engine answers at ${this.socketPath}`, error)
      throw refusal ?? error
    }
  }
}

const usualDeadlineMs = 30_000

function rejectionOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

const unavailable = (message: string, cause: unknown) => new BackendError('BackendUnavailable', message, true, { cause })

function isConnectionFailure(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  return ['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EACCES', 'EPIPE'].includes(code ?? '')
}

/** The answer, or undefined when the engine knows no such thing. */
export async function unlessMissing<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    if (statusOf(error) === 404) return undefined
    throw error
  }
}

/** 304: it is so already; 404 and 409: it is not there or in no state for it. What is then the case, the next look shows. */
export async function unlessIdle(
  engine: Engine,
  act: (options: { abortSignal: AbortSignal }) => Promise<unknown>,
  signal: AbortSignal,
  deadlineMs?: number,
): Promise<void> {
  try {
    await engine.call(signal, act, deadlineMs)
  } catch (error) {
    if (!isIdle(error)) throw error
  }
}

/** Whether the engine answered that it is so already, or that there is nothing to do it to. */
export const isIdle = (error: unknown) => [304, 404, 409].includes(statusOf(error) ?? 0)

export type EngineStream = AsyncIterable<Buffer> & { destroy(): void }

/** A stream of the engine that dockerode would read whole. */
export function dialEngine(
  engine: Engine,
  path: string,
  query: Record<string, string>,
  { abortSignal }: { abortSignal: AbortSignal },
): Promise<EngineStream> {
  const statusCodes = { 200: true, 404: 'no such thing', 500: 'server error' }
  const request = { path, options: query, method: 'GET', isStream: true, abortSignal, statusCodes }
  return new Promise((resolve, reject) => {
    engine.docker.modem.dial(request, (error: unknown, stream: unknown) => (error ? reject(error) : resolve(stream as EngineStream)))
  })
}
