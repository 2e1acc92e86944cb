/** `millrace/testing`: the real API server inside a test, with a clock that the test moves. */
export { type Action, type ConvergencePlan, checkConvergence, type InputArbitrary } from './convergence/check-convergence.js'
export { eventually } from './eventually.js'
export type { Failure, FailureForm, RequestVerb } from './failure.js'
export { ManualClock } from './manual-clock.js'
export type { OrderedFailure } from './mishaps.js'
export type { Snapshot } from './snapshot.js'
export { type TestCluster, type TestClusterOptions, testCluster } from './test-cluster.js'
