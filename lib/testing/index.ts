/** `millrace/testing`: the real API server inside a test, with a clock that the test moves. */
export { eventually } from './eventually.js'
export { ManualClock } from './manual-clock.js'
export type { Snapshot } from './snapshot.js'
export { type TestCluster, type TestClusterOptions, testCluster } from './test-cluster.js'
