/**
 * A property of controllers: whatever people do in whatever order, and however often the controllers are killed, cut off or refused on the
 * way, the end is the same as if nothing had disturbed them.
 *
 *     await checkConvergence({
 *       controllers: [warmPool],
 *       actions: {
 *         create: {
 *           input: fc.record({ name, size }),
 *           run: ({ client }, { name, size }) => client.of(WarmPool).create({ metadata: { name }, spec: { size } }),
 *         },
 *         remove: { input: name, run: ({ client }, name) => client.of(WarmPool).delete({ name }) },
 *       },
 *       invariant: ({ list }) => expect(list(Task).length).toBeLessThanOrEqual(9),
 *     })
 *
 * Each run takes place twice, in clusters of their own: the actions alone, each after the one before has been
 * dealt with; then the actions among crashes and failures. A difference is shrunk to the shortest sequence that
 * shows it. Needs the package fast-check, which whoever tests installs.
 */
import type fc from 'fast-check'
import { ApiError } from '../../api/api-error.js'
import type { Kind } from '../../api/define-kind.js'
import type { Controller } from '../../controller/controller.js'
import { kindsOfControllers } from '../install-kinds.js'
import type { Snapshot } from '../snapshot.js'
import { type TestCluster, testCluster } from '../test-cluster.js'
import { differences, type EndState, endStateOf } from './end-state.js'
import { arbitrarySteps, describeStep, type Step } from './step.js'

/** An arbitrary of fast-check, of whatever version. */
export interface InputArbitrary<Input> {
  generate(random: never, bias: never): { readonly value: Input }
}

/** What people may do. */
export interface Action<Input> {
  readonly input: InputArbitrary<Input>
  /** A refusal (NotFound, AlreadyExists, Conflict…) is as good as nothing: the action is left out. */
  run(cluster: TestCluster, input: Input): Promise<unknown>
}

/** What is done, to whom, and what shall come of it. */
export interface ConvergencePlan<Inputs extends object> {
  /** As of testCluster. */
  readonly controllers: readonly Controller[] | (() => readonly Controller[])
  /** Further kinds of users; those that the controllers name are there. */
  readonly kinds?: readonly Kind[]
  /** As of testCluster. */
  readonly rights?: 'declared' | 'all'
  /** Before all actions. */
  arrange?(cluster: TestCluster): Promise<unknown>
  /** By name, which failures show. */
  readonly actions: { readonly [Name in keyof Inputs]: Action<Inputs[Name]> }
  /** After all actions: what it takes until the end is reached, as letting time pass. */
  finish?(cluster: TestCluster): Promise<unknown>
  /** Throws when something is wrong; called at every revision of both runs. */
  invariant?(snapshot: Snapshot): void
  /** What is compared at the end. Default: all objects of the controllers' kinds and of `kinds`, without times, revisions and uids. */
  endState?(snapshot: Snapshot): unknown
  /** How many sequences are tried. Default 50. */
  readonly runs?: number
  /** How long a sequence is at most. Default 12. */
  readonly length?: number
  /** Of an earlier failure, which is then tried again. */
  readonly seed?: number
  readonly path?: string
}

/** Of no package, so that the types of the library need only what it depends on. */
type LoadModule = () => Promise<{ readonly default: unknown }>

/** How many more runs are spent on smaller inputs. */
const mostShrinkingRuns = 20

const lastRequests = 20

/** Rejects with the seed, the shortest sequence that was found, and what is wrong then. */
export async function checkConvergence<Inputs extends object>(
  plan: ConvergencePlan<Inputs>,
  load: LoadModule = () => import('fast-check'),
): Promise<void> {
  const { runs = 50, length = 12, seed, path } = plan
  const library = await loadFastCheck(load)
  const actions = plan.actions as Readonly<Record<string, Action<unknown>>>
  const inputs = Object.fromEntries(Object.entries(actions).map(([name, { input }]) => [name, input as unknown as fc.Arbitrary<unknown>]))
  let shrinkingRuns = -1
  const property = library.asyncProperty(arbitrarySteps(library, inputs, length), async (steps) => {
    // What passes unseen counts as good, and the search for smaller inputs ends.
    if (shrinkingRuns >= 0 && ++shrinkingRuns > mostShrinkingRuns) return
    try {
      await compareRuns(plan, actions, steps)
    } catch (error) {
      shrinkingRuns = Math.max(0, shrinkingRuns)
      throw error
    }
  })
  const parameters = { numRuns: runs, ...(seed === undefined ? {} : { seed }), ...(path === undefined ? {} : { path }) }
  const result = await library.check(property, parameters)
  if (!result.failed) return
  const found = { steps: result.counterexample?.[0] ?? [], cause: result.errorInstance }
  const { steps, cause } = await leaveOut(found, (fewer) => compareRuns(plan, actions, fewer))
  throw new Error(
    [
      'the controllers do not end where they do undisturbed, or are wrong on the way:',
      ...steps.map((step, index) => `  ${index + 1}. ${describeStep(step)}`),
      cause instanceof Error ? cause.message : String(cause),
      `(run ${result.numRuns}; to try it again: seed: ${result.seed}, path: '${result.counterexamplePath}')`,
    ].join('\n'),
    { cause },
  )
}

interface Finding {
  readonly steps: readonly Step[]
  readonly cause: unknown
}

/** Without every step that is not needed for something to go wrong. */
async function leaveOut(found: Finding, attempt: (steps: readonly Step[]) => Promise<void>): Promise<Finding> {
  let shortest = found
  for (let index = 0; index < shortest.steps.length; ) {
    const fewer = shortest.steps.filter((_step, other) => other !== index)
    try {
      await attempt(fewer)
      index++
    } catch (cause) {
      shortest = { steps: fewer, cause }
    }
  }
  return shortest
}

async function loadFastCheck(load: LoadModule): Promise<typeof fc> {
  try {
    return (await load()).default as typeof fc
  } catch (cause) {
    throw new Error('checkConvergence needs the package fast-check: npm install --save-dev fast-check', { cause })
  }
}

type Actions = Readonly<Record<string, Action<unknown>>>
type Plan = Omit<ConvergencePlan<object>, 'actions'>

async function compareRuns(plan: Plan, actions: Actions, steps: readonly Step[]): Promise<void> {
  const { effective, end: undisturbed } = await undisturbedRun(plan, actions, steps)
  const actual = await disturbedRun(plan, actions, effective)
  const wrong = differences(actual, undisturbed)
  if (wrong.length > 0) throw new Error(wrong.slice(0, 10).join('\n'))
}

/** The actions alone. Those that were refused have no effect: they are left out of the other run. */
async function undisturbedRun(plan: Plan, actions: Actions, steps: readonly Step[]) {
  await using cluster = await startCluster(plan)
  const effective: Step[] = []
  for (const step of steps) {
    if (step.type === 'action' && !(await act(cluster, actions, step))) continue
    if (step.type === 'action') await cluster.settle()
    effective.push(step)
  }
  return { effective, end: await endOf(cluster, plan) }
}

async function disturbedRun(plan: Plan, actions: Actions, steps: readonly Step[]): Promise<EndState> {
  await using cluster = await startCluster(plan)
  let areAway = false
  for (const step of steps) {
    switch (step.type) {
      case 'action':
        if (!(await act(cluster, actions, step))) await actLater(cluster, actions, step)
        if (areAway) cluster.restart()
        areAway = false
        break
      case 'work':
        await cluster.letWork(step.requests)
        break
      case 'settle':
        await calm(cluster)
        areAway = false
        break
      case 'failure':
        cluster.fail({ with: step.form, after: step.after, lag: step.lag, ...(step.form === 'Conflict' ? { verb: 'patch' } : {}) })
        break
      case 'restart':
        cluster.restart()
        areAway = false
        break
      case 'kill':
        cluster.kill()
        areAway = true
        break
      case 'break':
        cluster.breakWatches()
        break
      case 'hold':
        cluster.holdWatches(step.requests)
        break
    }
  }
  // What was ordered last must meet somebody, too.
  if (areAway) cluster.restart()
  await cluster.letWork(lastRequests)
  cluster.clearFailures()
  return await endOf(cluster, plan)
}

async function startCluster({ controllers, kinds = [], rights = 'declared', invariant, arrange }: Plan): Promise<TestCluster> {
  const cluster = await testCluster({ controllers, kinds, rights })
  if (invariant) cluster.always(invariant)
  await arrange?.(cluster)
  await cluster.settle()
  return cluster
}

async function endOf(cluster: TestCluster, { controllers, kinds = [], finish, endState }: Plan): Promise<EndState> {
  await calm(cluster)
  await finish?.(cluster)
  await cluster.settle()
  const snapshot = cluster.snapshot()
  if (endState) return new Map([['the end', [endState(snapshot)]]])
  const declared = typeof controllers === 'function' ? controllers() : controllers
  return endStateOf(snapshot, kindsOfControllers(declared, kinds))
}

/** Lets the controllers come to an end, wherever they are. */
async function calm(cluster: TestCluster): Promise<void> {
  cluster.releaseWatches()
  cluster.start()
  await cluster.settle()
}

/** False when the server refused it. */
async function act(cluster: TestCluster, actions: Actions, step: Step & { type: 'action' }): Promise<boolean> {
  try {
    await actions[step.name]?.run(cluster, step.input)
    return true
  } catch (error) {
    if (error instanceof ApiError) return false
    throw error
  }
}

/** What was done undisturbed can be done here too, once the controllers have dealt with what came before. */
async function actLater(cluster: TestCluster, actions: Actions, step: Step & { type: 'action' }): Promise<void> {
  await calm(cluster)
  if (await act(cluster, actions, step)) return
  throw new Error(`${describeStep(step)} is refused, also after the controllers have settled; undisturbed, it is not`)
}
