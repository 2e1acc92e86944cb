import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RolloutModel } from '../fixtures/rollout-model.js'
import { decideRollingUpdate, type RolloutStep } from './decide-rollout.js'
import { decideScaling, isResized } from './decide-scaling.js'
import type { Rollout } from './rollout.js'
import { rolloutBounds } from './rollout-bounds.js'

const numRuns = process.env.MILLRACE_TEST_LONG === undefined ? 300 : 10_000

type Decide = (rollout: Rollout) => RolloutStep[]
type ActionName = keyof RolloutModel['actions'] | 'resize'

const decide: Decide = (rollout) => (isResized(rollout) ? decideScaling(rollout) : decideRollingUpdate(rollout))

const amount = fc.oneof(
  fc.nat(4),
  fc.nat(100).map((percent) => `${percent}%`),
)
const bounds = fc.record({ replicas: fc.nat(8), maxSurge: amount, maxUnavailable: amount })
const usual: readonly ActionName[] = [
  'roll',
  'roll',
  'roll',
  'keep',
  'keep',
  'keep',
  'keep',
  'becomeAvailable',
  'becomeAvailable',
  'crash',
  'changeTemplate',
]
const happenings = (more: readonly ActionName[] = []) =>
  fc.array(fc.tuple(fc.constantFrom(...usual, ...more), fc.nat(1000)), { minLength: 50, maxLength: 200, size: 'max' })

interface Given {
  readonly replicas: number
  readonly maxSurge: number | string
  readonly maxUnavailable: number | string
}

/** Lets things happen, looks at every instant, and then lets everything come to its end. */
function play(decide: Decide, { replicas, ...rollingUpdate }: Given, all: readonly (readonly [ActionName, number])[], isFlapping = false) {
  const model = new RolloutModel({ replicas, strategy: { type: 'RollingUpdate', rollingUpdate } }, decide)
  // A new number of replicas counts from when it was reached and everybody has seen it; until then the wider bounds do.
  let most = 0
  let least = 0
  let isResized = false
  const judge = () => {
    const now = rolloutBounds(model.deployment)
    const [nowMost, nowLeast] = [now.replicas + now.maxSurge, now.replicas - now.maxUnavailable]
    const isSeen = !isResized || model.hasSeenAll
    most = isSeen && model.active <= nowMost ? nowMost : Math.max(most, nowMost)
    least = isSeen && model.available >= nowLeast ? nowLeast : Math.min(least, nowLeast)
    if (isSeen && most === nowMost && least === nowLeast) isResized = false
    if (model.active > most) throw new Error(`${model.active} tasks, above ${most}`)
    if (!isFlapping && model.available < least) throw new Error(`${model.available} tasks are available, below ${least}`)
  }
  for (const [name, choice] of all) {
    if (name === 'resize') {
      model.change({ replicas: choice % 9 })
      isResized = true
    } else model.actions[name](choice)
    judge()
  }
  const end = model.deployment.spec.replicas
  const hasEnded = () => [model.active, model.available, model.updated].every((count) => count === end)
  for (let round = 0; !hasEnded(); round++) {
    if (round > 1_000)
      throw new Error(`not at its end: ${model.active} tasks of ${end}, ${model.available} available, ${model.updated} updated`)
    model.actions.roll()
    for (const choice of [0, 1, 2, 3, 4]) model.actions.keep(choice)
    model.actions.becomeAvailable(round)
    judge()
  }
}

describe('a rolling update, whatever comes between any two requests of the controllers', () => {
  it('has never more tasks than replicas + maxSurge, nor fewer available than replicas - maxUnavailable, and comes to its end', () => {
    fc.assert(
      fc.property(bounds, happenings(), (given, all) => play(decide, given, all)),
      { numRuns },
    )
  })

  it('keeps to both when it is resized on the way', () => {
    fc.assert(
      fc.property(bounds, happenings(['resize']), (given, all) => play(decide, given, all)),
      { numRuns },
    )
  })

  it('has never too many when tasks lose their readiness, fail and are deleted', () => {
    fc.assert(
      fc.property(bounds, happenings(['flap', 'lose', 'lose']), (given, all) => play(decide, given, all, true)),
      { numRuns },
    )
  })

  it.each<[string, Decide]>([
    ['counts one too many for the surge', (rollout) => decide(withSurge(rollout, 1))],
    ['takes the status of a set for the answer to its present spec', (rollout) => decide(believing(rollout))],
  ])('the test sees a controller that %s', (_what, mutant) => {
    const run = () =>
      fc.assert(
        fc.property(bounds, happenings(), (given, all) => play(mutant, given, all)),
        { numRuns, endOnFailure: true },
      )
    expect(run).toThrow(/Property failed/)
  })
})

function withSurge(rollout: Rollout, more: number): Rollout {
  const { deployment } = rollout
  const { maxSurge, maxUnavailable, replicas } = rolloutBounds(deployment)
  const strategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: maxSurge + more, maxUnavailable } } as const
  return replicas === 0 ? rollout : { ...rollout, deployment: { ...deployment, spec: { ...deployment.spec, strategy } } }
}

function believing(rollout: Rollout): Rollout {
  const believed = (set: Rollout['oldSets'][number]) => ({
    ...set,
    status: { ...set.status, observedGeneration: set.metadata.generation ?? 0 },
  })
  return { ...rollout, newSet: rollout.newSet && believed(rollout.newSet), oldSets: rollout.oldSets.map(believed) }
}
