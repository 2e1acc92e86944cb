/**
 * Deployments roll, are resized and change their minds while the controller-manager is killed at random instants; every
 * revision of the log is looked at: never more Tasks than replicas + maxSurge, never fewer available than replicas -
 * maxUnavailable. Real Tasks, on real agents. The long form: 200 kills.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { RolloutJudge } from '../../controller-manager/fixtures/rollout-judge.js'
import type { KubeObject } from '../../lib/api/define-kind.js'
import { Deployment } from '../../lib/api/kinds/deployment.js'
import { Lease } from '../../lib/api/kinds/lease.js'
import { ReplicaSet } from '../../lib/api/kinds/replica-set.js'
import { Task } from '../../lib/api/kinds/task.js'
import { followResources } from '../../lib/client/watch/follow-resources.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type Fleet, startFleet } from '../processes/fleet.js'
import { createOwner } from '../processes/owner.js'

const long = process.env.MILLRACE_TEST_LONG !== undefined
const kills = long ? 200 : 3

const owner = createOwner('rollouts')
let fleet: Fleet

beforeAll(async () => {
  fleet = await startFleet(owner, { nodes: ['n0', 'n1'] })
}, 240_000)
afterAll(async () => {
  await owner.end()
}, 60_000)

/** Bounds that rollouts are to keep to, each in its own way. */
const shapes = {
  above: { replicas: 3, maxSurge: 1, maxUnavailable: 0 },
  below: { replicas: 3, maxSurge: 0, maxUnavailable: 1 },
  both: { replicas: 4, maxSurge: 2, maxUnavailable: 1 },
} as const
const names = Object.keys(shapes) as (keyof typeof shapes)[]

const templateOf = (app: string, version: number) => ({
  metadata: { labels: { app } },
  spec: {
    terminationGracePeriodSeconds: 1,
    containers: [{ name: 'main', command: ['sleep', '3600'], env: [{ name: 'VERSION', value: String(version) }] }],
  },
})
const deployments = () => fleet.client.of(Deployment)
const change = (name: string, spec: object) => deployments().mergePatch({ namespace: 'default', name }, { spec })

const holder = async () =>
  (await fleet.client.of(Lease).get({ namespace: 'kube-system', name: 'millrace-controller-manager' })).spec.holderIdentity

async function isRolledOut(name: string): Promise<boolean> {
  const { metadata, spec, status = {} } = await deployments().get({ namespace: 'default', name })
  const { observedGeneration, replicas, updatedReplicas, availableReplicas } = status
  return (
    observedGeneration === metadata.generation && [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas)
  )
}

it(`${kills} kills of the controller-manager during rollouts: their bounds hold at every revision`, {
  timeout: 300_000 + kills * 60_000,
}, async () => {
  const watch = watchEveryRevision()
  for (const name of names) {
    const { replicas, ...rollingUpdate } = shapes[name]
    await deployments().create({
      metadata: { namespace: 'default', name },
      spec: { replicas, selector: { matchLabels: { app: name } }, template: templateOf(name, 0), strategy: { rollingUpdate } },
    })
  }
  const rolledOut = () =>
    eventually(async () => expect(await Promise.all(names.map(isRolledOut))).toEqual(names.map(() => true)), {
      timeoutMs: 240_000,
      intervalMs: 100,
    })
  await rolledOut()
  const random = seededRandom(long ? Date.now() : 1)
  const manager = fleet.member('controller-manager-0')
  let changes = 0
  for (let kill = 1; kill <= kills; kill++) {
    const leader = await holder()
    for (const name of names) {
      // Most go on from wherever they are; some turn around half way.
      if (!(await isRolledOut(name)) && random() < 0.8) continue
      changes++
      if (random() < 0.2) await change(name, { replicas: shapes[name].replicas + Math.floor(random() * 3) })
      else await change(name, { template: templateOf(name, kill) })
    }
    await new Promise((resolve) => setTimeout(resolve, random() * 3000))
    await manager.program.stop('SIGKILL')
    await manager.restart()
    await eventually(async () => expect(await holder()).not.toBe(leader), { timeoutMs: 120_000, intervalMs: 20 })
  }
  await rolledOut()
  const { judge, relists } = await watch.end()
  if (long) console.info(`${kills} kills, ${changes} changes, ${judge.instants} instants of Deployments, ${judge.excused} excused`)
  expect(judge.violations).toEqual([])
  expect(relists).toBe(1)
  expect(judge.instants).toBeGreaterThan(kills * 10)
})

/** One stream of all three kinds: every revision, in the order of the log. */
function watchEveryRevision() {
  const judge = new RolloutJudge()
  const objects = new Map<string, Map<string, KubeObject>>([Deployment, ReplicaSet, Task].map(({ kind }) => [kind, new Map()]))
  const of = <T>(kind: string) => [...(objects.get(kind)?.values() ?? [])] as T[]
  const stop = new AbortController()
  let relists = 0
  let isWhole = false
  const following = followResources(
    fleet.client,
    [Deployment, ReplicaSet, Task].map((kind) => ({ kind: kind as never })),
    {
      begin: () => void relists++,
      change(type, object) {
        const { uid, resourceVersion } = object.metadata
        if (type === 'DELETED') objects.get(object.kind)?.delete(uid)
        else objects.get(object.kind)?.set(uid, object)
        if (isWhole)
          judge.look({ revision: Number(resourceVersion), deployments: of('Deployment'), sets: of('ReplicaSet'), tasks: of('Task') })
      },
      complete() {
        isWhole = true
      },
      progress() {},
    },
    { signal: stop.signal },
  )
  return {
    async end() {
      stop.abort()
      await following
      return { judge, relists }
    },
  }
}

/** The same numbers for the same seed (mulberry32). */
function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
