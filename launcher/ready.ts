import { existsSync } from 'node:fs'
import { sleep, systemClock } from '../lib/base/clock.js'
import { createClient } from '../lib/client/create-client.js'
import { loadKubeconfig } from '../lib/client/kubeconfig/load-kubeconfig.js'
import type { ClusterDirectory } from './cluster-directory.js'
import { isPortFree } from './free-port.js'
import { LaunchError } from './launch-error.js'
import type { StartedProgram } from './program-start.js'

const pollMs = 50
const readyWithinMs = 60_000

/** Resolves when the API server takes requests. Throws LaunchError when it ends, or stays silent for a minute. */
export async function waitForApiserver(directory: ClusterDirectory, apiserver: StartedProgram): Promise<void> {
  const untilMs = systemClock.monotonic() + readyWithinMs
  let last = 'it has written no kubeconfig'
  while (systemClock.monotonic() < untilMs) {
    apiserver.assertRunning()
    const problem = existsSync(directory.adminKubeconfig) ? await askReadiness(directory.adminKubeconfig) : last
    if (problem === undefined) return
    last = problem
    await sleepAwake(pollMs)
  }
  throw new LaunchError(
    `millrace-apiserver is not ready after ${readyWithinMs / 1000} s: ${last}\n(its log is ${directory.log('apiserver')})`,
  )
}

/** Resolves when a program, which listens once it can answer, does so. Throws LaunchError when it ends, or stays silent for a minute. */
export async function waitForPort(
  port: number,
  host: string,
  directory: ClusterDirectory,
  { program, assertRunning }: StartedProgram,
): Promise<void> {
  const untilMs = systemClock.monotonic() + readyWithinMs
  while (await isPortFree(port, host)) {
    assertRunning()
    if (systemClock.monotonic() > untilMs)
      throw new LaunchError(
        `millrace-${program} does not listen on port ${port} after ${readyWithinMs / 1000} s\n(its log is ${directory.log(program)})`,
      )
    await sleepAwake(pollMs)
  }
  assertRunning()
}

/** Undefined when it is ready, else what is wrong. */
async function askReadiness(kubeconfig: string): Promise<string | undefined> {
  try {
    const { config } = await loadKubeconfig({ env: {}, home: '/', kubeconfig })
    const client = createClient(config, { timeoutMs: 2_000, userAgent: 'millrace-launcher' })
    try {
      await (await client.raw({ method: 'GET', path: '/readyz' })).text()
      return undefined
    } finally {
      await client.close()
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The clock's own timers do not keep a process alive; waiting for another program must. */
export async function sleepAwake(ms: number): Promise<void> {
  const awake = setInterval(() => undefined, 1_000)
  await sleep(systemClock, ms).finally(() => clearInterval(awake))
}
