import { expect, it } from 'vitest'
import { conflict } from '../../lib/api/api-error.js'
import type { ObjectMeta } from '../../lib/api/object-meta.js'
import { type Clock, systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import { eventually } from '../../lib/testing/eventually.js'
import type { AgentParts } from '../agent-parts.js'
import { BackendError } from '../backends/backend.js'
import { type StepFailure, waitForRetries } from './step-failure.js'
import { StepLoop, type StepLoopOptions } from './step-loop.js'

interface Lamp {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: ObjectMeta
  readonly spec: { readonly isOn: boolean }
  readonly status?: { readonly phase?: 'Dark' | 'Lit' | 'Over' }
}

type LampStep = { readonly type: 'start' | 'stop' }
const dark = { prepared: { image: false }, failures: [] as StepFailure<LampStep['type']>[], isLit: false }

/** One that shall be off and is dark is over. */
class LampLoop extends StepLoop<Lamp, LampStep, typeof dark, 'socket'> {
  private isLit = false
  protected readonly backend = 'socket'
  constructor(
    objects: StepLoopOptions<Lamp>['objects'],
    signal: AbortSignal,
    step: (type: LampStep['type']) => Promise<void>,
    clock: Clock = systemClock,
  ) {
    const parts = { clock, events: { record: () => {} } } as unknown as AgentParts
    const take = async ({ type }: LampStep) => {
      await step(type)
      this.isLit = type === 'start'
    }
    super(
      { parts, objects, signal, log: silentLogger, uid: 'lamp', onGone: () => {} },
      { executors: { start: take, stop: take }, failureReasons: {}, deadlineMs: {}, interruptible: new Set() },
      dark,
    )
  }
  protected look = async () => ({ ...dark, isLit: this.isLit })
  protected isNothing = ({ isLit }: typeof dark) => !isLit
  protected unseen = () => undefined
  protected preparedAfter = () => dark.prepared
  protected plan(lamp: Lamp | undefined, { isLit, failures }: typeof dark, nowMs: number) {
    return waitForRetries(!lamp || lamp.spec.isOn === isLit ? [] : [{ type: isLit ? 'stop' : 'start' } as const], failures, nowMs)
  }
  protected statusOf(lamp: Lamp, { isLit }: typeof dark) {
    return { phase: isLit ? 'Lit' : lamp.spec.isOn ? 'Dark' : 'Over' } as const
  }
}

const aLamp = (resourceVersion: string, isOn: boolean): Lamp => ({
  apiVersion: 'v1',
  kind: 'Lamp',
  metadata: { name: 'lamp', uid: 'lamp', resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: { isOn },
})

it('what is told to end while it is being started is not said to have ended before it has', async () => {
  const told = aLamp('2', false)
  const ending = new AbortController()
  const [began, mayStart] = [new AbortController(), new AbortController()]
  const opened = ({ signal }: AbortController) => eventually(() => expect(signal.aborted).toBe(true))
  const happened: string[] = []
  const objects: StepLoopOptions<Lamp>['objects'] = {
    async get() {
      happened.push('read again')
      return told
    },
    async mergePatch(_at, patch) {
      const { metadata, status } = patch as Lamp
      if (metadata.resourceVersion === '1') {
        await opened(began)
        throw conflict({ group: '', resource: 'lamps', name: 'lamp' }, 'it has been modified')
      }
      happened.push(`said ${status?.phase}`)
      return { ...told, status: status ?? {} }
    },
  }
  const loop = new LampLoop(objects, ending.signal, async (type) => {
    began.abort()
    if (type === 'start') await opened(mayStart)
    happened.push(type)
  })
  loop.setObject(aLamp('1', true))
  await eventually(() => expect(happened).toContain('read again'))
  loop.setObject(told)
  mayStart.abort()
  await eventually(() => expect(happened.at(-1)).toBe('said Over'))
  expect(happened.filter((what) => what !== 'said Lit')).toEqual(['read again', 'start', 'stop', 'said Over'])
  ending.abort()
})

it.each([
  ['a full disk, soon when there may be room', Object.assign(new Error('write'), { code: 'ENOSPC' }), 15_000],
  [
    'a registry, later and later',
    new BackendError('ImagePullFailed', 'no room', true, { cause: new Error('No space left on device') }),
    256_000,
  ],
  ['anything else, later and later', new Error('as it is'), 256_000],
])('a step is tried again that was stopped by %s', async (_what, error, ninthMs) => {
  const ending = new AbortController()
  const waits: number[] = []
  let now = 0
  /** On which time passes as soon as somebody waits, nine times. */
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimer(delayMs, callback) {
      waits.push(delayMs)
      now += delayMs
      if (waits.length < 9) queueMicrotask(callback)
      return { cancel() {} }
    },
  }
  const objects = { get: async () => aLamp('1', true), mergePatch: async () => aLamp('1', true) }
  const loop = new LampLoop(objects, ending.signal, () => Promise.reject(error), clock)
  loop.setObject(aLamp('1', true))
  await eventually(() => expect(waits[8]).toBe(ninthMs))
  ending.abort()
})
