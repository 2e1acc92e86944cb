import { sleep, systemClock } from '../../../lib/base/clock.js'
import { type Engine, statusOf, unlessIdle, unlessMissing } from './engine.js'
import { startDeadlineMs } from './make-container.js'

/** Polite signal first; the engine kills it after `graceMs`. Resolves when it has ended. Idempotent. */
export async function stopContainer(engine: Engine, name: string, graceMs: number, signal: AbortSignal): Promise<void> {
  const container = engine.docker.getContainer(name)
  const found = await unlessMissing(engine.call(signal, (options) => container.inspect(options)))
  if (!found?.State.Running) return
  if (found.State.Paused) await unlessIdle(engine, (options) => container.unpause(options), signal)
  const t = Math.ceil(graceMs / 1000)
  await unlessIdle(engine, (options) => container.stop({ ...options, t }), signal, graceMs + startDeadlineMs)
}

/** Removes a container, running or not, with its own volumes. Idempotent. */
export async function removeContainer(engine: Engine, name: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      const container = engine.docker.getContainer(name)
      await engine.call(signal, (options) => container.remove({ ...options, force: true, v: true }), startDeadlineMs)
      return
    } catch (error) {
      if (statusOf(error) === 404) return
      // 409: its removal is under way.
      if (statusOf(error) !== 409) throw error
      await sleep(systemClock, 100, signal)
    }
  }
}
