import type fc from 'fast-check'
import type { FailureForm } from '../failure.js'

/** One thing that happens in a run. All but actions are left out of the undisturbed one. */
export type Step =
  | { readonly type: 'action'; readonly name: string; readonly input: unknown }
  /** The next step waits until the controllers have sent so many requests, or none for a while. */
  | { readonly type: 'work'; readonly requests: number }
  | { readonly type: 'settle' }
  | { readonly type: 'failure'; readonly form: FailureForm; readonly after: number; readonly lag: number }
  | { readonly type: 'restart' }
  | { readonly type: 'kill' }
  | { readonly type: 'break' }
  | { readonly type: 'hold'; readonly requests: number }

/** What happens unseen is what controllers forget about: it is drawn more often. */
const failureForms: readonly FailureForm[] = [
  'crash after',
  'crash after',
  'crash before',
  'connection lost after',
  'connection lost after',
  'connection lost before',
  'Conflict',
  'ServiceUnavailable',
  'TooManyRequests',
]

/** Sequences of these actions and of whatever may come between. */
export function arbitrarySteps(
  { array, constant, constantFrom, integer, nat, oneof, record }: typeof fc,
  inputs: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  most: number,
): fc.Arbitrary<Step[]> {
  const actions = Object.entries(inputs).map(([name, input]) => record({ type: constant('action' as const), name: constant(name), input }))
  const failure = record({
    type: constant('failure' as const),
    form: constantFrom(...failureForms),
    after: oneof(constant(0), nat(5)),
    lag: oneof(constant(1), nat(3)),
  })
  const disturbance: fc.Arbitrary<Step> = oneof(
    { arbitrary: failure, weight: 5 },
    { arbitrary: record({ type: constant('work' as const), requests: integer({ min: 1, max: 6 }) }), weight: 3 },
    { arbitrary: record({ type: constantFrom('restart' as const, 'kill' as const, 'break' as const, 'settle' as const) }), weight: 3 },
    { arbitrary: record({ type: constant('hold' as const), requests: integer({ min: 1, max: 5 }) }), weight: 2 },
  )
  return array(oneof({ arbitrary: oneof(...actions), weight: 1 }, { arbitrary: disturbance, weight: 1 }), { minLength: 1, maxLength: most })
}

/** A step in words. */
export function describeStep(step: Step): string {
  switch (step.type) {
    case 'action':
      return `${step.name} ${JSON.stringify(step.input)}`
    case 'work':
      return `the controllers send ${step.requests} requests`
    case 'settle':
      return 'the controllers settle'
    case 'failure':
      return `request ${step.after + 1} of the controllers from here: ${step.form}${step.lag > 0 ? `; the watches tell nothing before ${step.lag} more` : ''}`
    case 'restart':
      return 'the controllers are killed and started again'
    case 'kill':
      return 'the controllers are killed; they are started again after the next action'
    case 'break':
      return 'the watches of the controllers break'
    case 'hold':
      return `the watches of the controllers tell nothing while they send ${step.requests} requests`
  }
}
