/**
 * What every backend keeps, as one suite: each feature that it declares works, and what it does not declare is refused. A backend's own
 * test file calls this with a way to open it; everything that runs is removed at the end.
 */

import { afterAll, beforeAll, describe } from 'vitest'
import { describeCommands } from './commands.contract.js'
import { ContractBed, type ContractOptions, type ContractSubject } from './contract-bed.contract.js'
import { describeFeatures } from './features.contract.js'
import { describeLife } from './life.contract.js'
import { describeObserving } from './observing.contract.js'
import { describeOutput } from './output.contract.js'
import { describePorts } from './ports.contract.js'

export function describeBackend(
  name: string,
  prepare: () => Promise<ContractSubject>,
  { sessions = true, patienceMs = 60_000 }: Partial<ContractOptions> = {},
): void {
  describe(`the ${name} backend`, { timeout: 4 * patienceMs }, () => {
    const options: ContractOptions = { sessions, patienceMs }
    const bed = new ContractBed(prepare, options)
    beforeAll(() => bed.open())
    afterAll(() => bed.close())

    describeCommands(bed, options)
    describePorts(bed, options)
    describeLife(bed)
    describeObserving(bed, options)
    describeOutput(bed)
    describeFeatures(bed)
  })
}
