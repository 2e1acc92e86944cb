import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ConformanceCluster } from './conformance-cluster.js'
import { KubectlUser } from './kubectl-user.js'
import { findKubectls, isLeftOut } from './kubectls.js'

/**
 * Makes every statement for every supported kubectl: the versions side by side, each in a namespace of its own, its statements in order.
 * A version that this machine lacks is named as skipped; none at all fails, unless MILLRACE_TEST_WITHOUT names kubectl.
 */
export function describeKubectls(start: () => Promise<ConformanceCluster>, statements: (kubectl: KubectlUser) => void): void {
  const users = findKubectls().map(({ version, file }) => new KubectlUser(version, file))
  const present = users.filter(({ file }) => file !== '' && !isLeftOut)

  it.skipIf(isLeftOut)(
    'kubectl is there in at least one of the supported versions (MILLRACE_KUBECTLS=DIR names their folder, MILLRACE_TEST_WITHOUT=kubectl leaves them out)',
    () => {
      expect(present.map(({ version }) => version)).not.toEqual([])
    },
  )

  let cluster: ConformanceCluster | undefined
  beforeAll(async () => {
    if (present.length === 0) return
    const started = await start()
    cluster = started
    await Promise.all(present.map((user) => user.moveIn(started)))
  })
  afterAll(() => cluster?.end())

  for (const user of users)
    describe.concurrent('kubectl', { skip: !present.includes(user) }, () => {
      describe.sequential(user.version, () => statements(user))
    })
}
