import type Docker from 'dockerode'
import { BackendError } from '../../backend.js'
import type { Engine } from '../engine/engine.js'
import { explain, sayingOf, statusOf } from '../engine/engine-refusal.js'

/** Making and starting wait for a disk that is busy. */
export const startDeadlineMs = 120_000

/** Makes a container; one of its name that is there already is left as it is. Rejects with a BackendError that says what stands between. */
export async function makeContainer(engine: Engine, wanted: Docker.ContainerCreateOptions, signal: AbortSignal): Promise<void> {
  try {
    await engine.call(signal, (options) => engine.docker.createContainer({ ...wanted, ...options }), startDeadlineMs)
  } catch (error) {
    if (signal.aborted || error instanceof BackendError) throw error
    const said = sayingOf(error)
    // 409: an earlier create, whose answer nobody heard, made it.
    if (statusOf(error) === 409 && said.includes('already in use')) return
    if (statusOf(error) === 404 && said.toLowerCase().includes('no such image'))
      throw new BackendError('ImageNotFound', said, true, { cause: error })
    throw new BackendError('CreateFailed', `the container could not be made: ${explain(error)}`, true, { cause: error })
  }
}

/** Why the engine did not start a container, in words. */
export function startFailure(error: unknown): BackendError {
  const said = sayingOf(error)
  const isPort = /port is already allocated|address already in use/.test(said)
  return new BackendError(isPort ? 'PortTaken' : 'StartFailed', `the container could not be started: ${explain(error)}`, true, {
    cause: error,
  })
}
