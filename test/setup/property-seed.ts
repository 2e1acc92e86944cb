import fc from 'fast-check'

/**
 * Property tests draw the same cases in every short run, so that a run says what the change did. The long run (npm run test:long) draws new
 * ones; a failure there prints its seed, and its case becomes a row of the test.
 */
if (process.env.MILLRACE_TEST_LONG === undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: 20_260_000 })
