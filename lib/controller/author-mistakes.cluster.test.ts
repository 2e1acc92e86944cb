/** What the compiler cannot stop, from plain JavaScript or by a cast, is an error in words; nothing is accepted and passed over. */
import { describe, expect, it } from 'vitest'
import { defineKind, type KubeObject } from '../api/define-kind.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Event } from '../api/kinds/event.js'
import { Task } from '../api/kinds/task.js'
import { t } from '../api/schema/t.js'
import { type Logger, silentLogger } from '../base/log.js'
import { createClient } from '../client/create-client.js'
import { eventually } from '../testing/eventually.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { type Controller, controller } from './controller.js'
import { startControllers } from './start-controllers.js'

const names = { group: 'example.com', version: 'v1', scope: 'Namespaced', description: 'A kind.' } as const
const spec = t.object({ size: t.integer() })
const status = t.object({ ready: t.integer().optional() })
const Pool = defineKind({ ...names, kind: 'Pool', plural: 'pools', spec, status, conditions: ['Ready', 'Full'] })
const Bare = defineKind({ ...names, kind: 'Bare', plural: 'bares', spec })

type Pass = (object: KubeObject & { status: Record<string, unknown> }, ctx: Record<string, (...args: unknown[]) => unknown>) => unknown
const config = (rest: object) => ({ metadata: { name: 'made' }, ...rest })

async function whileRunning(cluster: TestCluster, declared: Controller, log: Logger, check: () => Promise<unknown>): Promise<void> {
  const stop = new AbortController()
  const client = createClient(cluster.admin)
  const running = startControllers([declared], { client, clock: cluster.clock, log }, stop.signal)
  try {
    await check()
  } finally {
    stop.abort()
    await running.finished
    await client.close()
  }
}

describe('a mistake of the author is said in words:', () => {
  it.each<[string, typeof Pool | typeof Bare, Pass, string]>([
    [
      'an unknown field in what is applied',
      Pool,
      (_, ctx) => ctx.apply?.(ConfigMap, config({ dta: {} })),
      '.dta: field not declared in schema',
    ],
    ['no name in it', Pool, (_, ctx) => ctx.apply?.(ConfigMap, { metadata: {} }), 'ConfigMap without metadata.name'],
    ['a kind that is not in owns', Pool, (_, ctx) => ctx.apply?.(Task, config({})), 'does not follow tasks: name the kind in its owns'],
    ['looking for such', Pool, (_, ctx) => ctx.owned?.(Task), 'does not follow tasks: name the kind in its owns or watches'],
    ['an unknown field of the status', Pool, ({ status }) => Object.assign(status, { redy: 1 }), 'unknown field "status.redy"'],
    ['a condition that is not declared', Pool, (_, ctx) => ctx.condition?.('Reddy', true, 'X'), '"Reddy", only: Ready, Full'],
    ['a reason in words', Pool, (_, ctx) => ctx.condition?.('Ready', true, 'two words'), 'one CamelCase word, which "two words" is not'],
    ['a status of a kind without', Bare, ({ status }) => Object.assign(status, { ready: 1 }), 'Bare declares no status'],
    ['a change of the spec', Pool, (object) => Object.assign(object, { spec: { size: 2 } }), 'a pass changes the status of its object'],
    ['a time to wait without a unit', Pool, () => ({ requeueAfter: 30 }), 'not a duration: 30'],
  ])('%s', async (_case, kind, pass, said) => {
    await using cluster = await testCluster({ kinds: [kind] })
    const { client } = cluster
    const reconcile = async (object: unknown, ctx: unknown) => (await pass(object as never, ctx as never)) as undefined
    const declared = controller({ name: 'test', for: kind as typeof Pool, owns: [ConfigMap], reconcile })
    await client.of(kind as typeof Pool).create({ metadata: { name: 'a' }, spec: { size: 1 } })
    await whileRunning(cluster, declared, silentLogger, () =>
      eventually(async () =>
        expect((await client.of(Event).list()).items).toMatchObject([
          { reason: 'ReconcileFailed', message: expect.stringContaining(said) },
        ]),
      ),
    )
  })
})

describe('a watch that is refused says what is amiss:', () => {
  const collect = (said: string[]) =>
    ({
      ...silentLogger,
      warn: (_: unknown, text: string) => void said.push(text),
      debug() {},
      child: () => silentLogger,
    }) as unknown as Logger

  it('a kind that is not installed', async () => {
    await using cluster = await testCluster()
    const said: string[] = []
    const declared = controller({ for: Pool, async reconcile() {} })
    await whileRunning(cluster, declared, collect(said), () => eventually(() => said.some((text) => text.includes('--print-definitions'))))
  })

  it('a right that is missing', async () => {
    await using cluster = await testCluster()
    const said: string[] = []
    const declared = controller({ for: ConfigMap, async reconcile() {} })
    const nobody = { ...cluster, admin: await cluster.configOf('nobody') }
    await whileRunning(nobody, declared, collect(said), () => eventually(() => said.some((text) => text.includes('--print-rights'))))
  })
})
