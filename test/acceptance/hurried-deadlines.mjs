/**
 * Loaded into a program before it starts, makes its longer deadlines as many times as short as MILLRACE_TEST_HURRY says: what took minutes
 * to be given up is given up after seconds. For tests alone.
 */
const timeout = AbortSignal.timeout
const factor = Number(process.env.MILLRACE_TEST_HURRY)
const longMs = 60_000
AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms < longMs ? ms : ms / factor)
