import process from 'node:process'
import type { Controller } from './controller.js'
import { createControllerMetrics } from './controller-metrics.js'
import { printDefinitions, printRights } from './print-manifests.js'
import { programMain } from './program-main.js'
import { startControllers } from './start-controllers.js'

/**
 * Makes this process the program of these controllers: it reads the command line (`--help` says what), finds the
 * kubeconfig, stands for election under the first one's name, serves health and metrics, and ends in order on SIGTERM
 * and SIGINT. Resolves when it has ended; the exit code is set.
 *
 *     if (isMain(import.meta)) await run(warmPool)
 */
export async function run(first: Controller, ...more: Controller[]): Promise<void> {
  const controllers = [first, ...more] as const
  process.exitCode = await programMain(
    {
      program: first.name,
      summary: `looks after ${[...new Set(controllers.map((one) => one.for.plural))].join(', ')}`,
      lease: first.name,
      ofUser: {
        printDefinitions: () => printDefinitions(controllers),
        printRights: (account, namespace) => printRights(controllers, account, namespace),
      },
      run: ({ client, clock, log, identity, metrics, namespace }, signal) =>
        startControllers(controllers, { client, clock, log, identity, namespace, metrics: createControllerMetrics(metrics) }, signal)
          .finished,
    },
    process,
  )
}
