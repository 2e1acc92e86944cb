import { readFile } from 'node:fs/promises'
import { constants } from 'node:os'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import { type Engine, unlessIdle, unlessMissing } from '../engine/engine.js'
import { statusOf } from '../engine/engine-refusal.js'
import { startDeadlineMs } from './make-container.js'

/** Polite signal first; the engine kills it after `graceMs`. Resolves when it has ended. Idempotent. */
export async function stopContainer(engine: Engine, name: string, graceMs: number, signal: AbortSignal): Promise<void> {
  const container = engine.docker.getContainer(name)
  const found = await unlessMissing(engine.call(signal, (options) => container.inspect(options)))
  if (!found?.State.Running) return
  if (found.State.Paused) await unlessIdle(engine, (options) => container.unpause(options), signal)
  // With no time to end, nothing is to be heard.
  if (graceMs > 0) await awaitHearing(found.State, signal)
  const t = Math.ceil(graceMs / 1000)
  await unlessIdle(engine, (options) => container.stop({ ...options, t }), signal, graceMs + startDeadlineMs)
}

/** A program that has said nothing about the polite signal for so long will not. */
const deafMs = 2_000
const terminate = 1n << BigInt(constants.signals.SIGTERM - 1)

/**
 * The first process of a container hears no signal that it has not asked for: told to end in its first moment, it would never know, and be
 * killed when its grace is over. So one that has only just begun is given the time to say.
 */
async function awaitHearing({ Pid, StartedAt }: { readonly Pid: number; readonly StartedAt: string }, signal: AbortSignal): Promise<void> {
  const untilMs = Date.parse(StartedAt) + deafMs
  while (systemClock.now() < untilMs && !(await hears(Pid))) await sleep(systemClock, 10, signal)
}

/** Whether the process catches the polite signal, or ignores it on purpose; true also of one that is gone. */
async function hears(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => undefined)
  if (status === undefined) return true
  return [...status.matchAll(/^Sig(?:Cgt|Ign):\s*([0-9a-f]+)$/gm)].some(([, mask]) => (BigInt(`0x${mask}`) & terminate) !== 0n)
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
