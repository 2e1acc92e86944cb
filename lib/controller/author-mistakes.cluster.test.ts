/** What the compiler cannot stop, from plain JavaScript or by a cast, is an error in words; nothing is accepted and passed over. */
import { describe, expect, it } from 'vitest'
import { defineKind, type KubeObject } from '../api/define-kind.js'
import { ConfigMap } from '../api/kinds/config-map.js'
import { Event } from '../api/kinds/event.js'
import { Namespace } from '../api/kinds/namespace.js'
import { Task } from '../api/kinds/task.js'
import { t } from '../api/schema/t.js'
import { type Logger, silentLogger } from '../base/log.js'
import { createClient } from '../client/create-client.js'
import { eventually } from '../testing/eventually.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import { type Controller, controller } from './controller.js'
import { mostInARow } from './restless-keys.js'
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
    ['a time to wait that is over', Pool, () => ({ requeueAfter: '-5s' }), 'not a duration: "-5s"'],
    [
      'an object in another namespace',
      Pool,
      (_, ctx) => ctx.apply?.(ConfigMap, { metadata: { name: 'made', namespace: 'kube-system' } }),
      'ConfigMap kube-system/made, which Pool default/a cannot own: it is not in its namespace',
    ],
    [
      'one of the cluster, of an owner in a namespace',
      Pool,
      (_, ctx) => ctx.apply?.(Namespace, config({})),
      'Namespace made, which Pool default/a cannot own',
    ],
    ['itself', Pool, (_, ctx) => ctx.apply?.(Pool, { metadata: { name: 'a' } }), 'Pool default/a itself, which cannot be its own owner'],
    [
      'a number that JSON does not have',
      Pool,
      ({ status }) => Object.assign(status, { ready: Number.NaN }),
      'status.ready: NaN is no number in JSON',
    ],
    ['a circle', Pool, ({ status }) => Object.assign(status, { ready: status }), 'status.ready: it holds itself'],
    [
      'a status that is taken away',
      Pool,
      (object) => Object.assign(object, { status: null }),
      'may change the status of its Pool, and not take it away',
    ],
  ])('%s', async (_case, kind, pass, said) => {
    await using cluster = await testCluster({ kinds: [Pool, Bare] })
    const { client } = cluster
    const reconcile = async (object: unknown, ctx: unknown) => (await pass(object as never, ctx as never)) as undefined
    const declared = controller({ name: 'test', for: kind as typeof Pool, owns: [ConfigMap, Namespace, Pool], reconcile })
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

describe('a controller of a careless author', () => {
  it('tells of a look that throws, and of a pass that throws before it waits, and goes on with everything else', async () => {
    await using cluster = await testCluster({ kinds: [Pool] })
    const done: string[] = []
    const declared = controller({
      name: 'test',
      for: Pool,
      when: ({ metadata }) => {
        if (metadata.name === 'odd') throw new Error('an odd one')
        return true
      },
      reconcile: (pool) => {
        if (pool.metadata.name === 'hasty') throw new Error('at once')
        done.push(pool.metadata.name)
        return Promise.resolve()
      },
    })
    for (const name of ['odd', 'hasty', 'well']) await cluster.client.of(Pool).create({ metadata: { name }, spec: { size: 1 } })
    await whileRunning(cluster, declared, silentLogger, () =>
      eventually(async () => {
        const messages = (await cluster.client.of(Event).list()).items.map(({ message }) => message)
        expect(messages.sort()).toEqual(['an odd one', 'at once'])
        expect(done).toEqual(['well'])
      }),
    )
  })

  it('is slowed down where each pass changes the status, and ends though a pass does not', async () => {
    await using cluster = await testCluster({ kinds: [Pool] })
    let passes = 0
    let waits = 0
    const counter = controller({
      name: 'counter',
      for: Pool,
      async reconcile(pool) {
        if (pool.metadata.name === 'stuck') {
          waits++
          await new Promise(() => {})
        }
        pool.status.ready = ++passes
      },
    })
    const stop = new AbortController()
    const client = createClient(cluster.admin)
    const running = startControllers([counter], { client, clock: cluster.clock, log: silentLogger, lingerMs: 10 }, stop.signal)
    for (const name of ['restless', 'stuck']) await client.of(Pool).create({ metadata: { name }, spec: { size: 1 } })
    await eventually(() => passes === mostInARow && waits === 1)
    for (let turn = 0; turn < 50; turn++) await client.of(Pool).list()
    expect(passes).toBe(mostInARow)
    await cluster.clock.advance(100)
    await eventually(() => passes === mostInARow + 1)
    stop.abort()
    await running.finished
    await client.close()
  })

  it('is refused without workers, and with two of one name', async () => {
    const declared = { for: Pool, reconcile: async () => {} }
    expect(() => controller({ ...declared, workers: 0 })).toThrow('at least one worker')
    await using cluster = await testCluster()
    const start = () =>
      startControllers(
        [controller(declared), controller(declared)],
        { client: cluster.client, clock: cluster.clock, log: silentLogger },
        AbortSignal.abort(),
      )
    expect(start).toThrow('two controllers are called pool')
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
    await whileRunning(cluster, declared, collect(said), () =>
      eventually(() => said.some((text) => text.includes('create customresourcedefinition'))),
    )
  })

  it('a right that is missing', async () => {
    await using cluster = await testCluster()
    const said: string[] = []
    const declared = controller({ for: ConfigMap, async reconcile() {} })
    const nobody = { ...cluster, admin: await cluster.configOf('nobody') }
    await whileRunning(nobody, declared, collect(said), () => eventually(() => said.some((text) => text.includes('create serviceaccount'))))
  })
})
