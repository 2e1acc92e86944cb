import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Lease } from '../../api/kinds/lease.js'
import { createLogger, type Logger } from '../../base/log.js'
import { eventually } from '../../testing/eventually.js'
import { quiet } from '../../testing/quiet.js'
import { type TestCluster, testCluster } from '../../testing/test-cluster.js'
import type { Client } from '../client.js'
import { createClient } from '../create-client.js'
import { type FlakyProxy, startFlakyProxy } from '../test/flaky-proxy.js'
import { electLeader } from './elect-leader.js'
import { describeOwnProcess } from './holder-process.js'

let cluster: TestCluster
let client: Client
let candidates: Candidate[]
/** Who leads now; more than one at any instant is a failure. */
let leaders: Set<string>
let mostAtOnce: number

interface Candidate {
  readonly stop: AbortController
  readonly proxy: FlakyProxy
  readonly done: Promise<void>
  close(): Promise<void>
}

beforeEach(async () => {
  cluster = await testCluster()
  client = createClient(cluster.admin)
  candidates = []
  leaders = new Set()
  mostAtOnce = 0
})
afterEach(async () => {
  for (const candidate of candidates) await candidate.close()
  await client.close()
  await cluster.close()
})

const at = { namespace: 'kube-system', name: 'election' }
const lease = () => client.of(Lease).get(at)

async function candidate(identity: string, work: (signal: AbortSignal) => Promise<void> = untilAborted, log?: Logger): Promise<Candidate> {
  const proxy = await startFlakyProxy(cluster.url)
  const own = createClient({ ...cluster.admin, server: proxy.url }, { timeoutMs: 500 })
  const stop = new AbortController()
  const onStarted = async (signal: AbortSignal) => {
    leaders.add(identity)
    mostAtOnce = Math.max(mostAtOnce, leaders.size)
    await work(signal)
  }
  const onStopped = () => void leaders.delete(identity)
  const done = electLeader({ client: own, clock: cluster.clock, ...at, identity, log, onStarted, onStopped, random: () => 0 }, stop.signal)
  const close = async () => {
    stop.abort(new Error('the test is over'))
    const drained = done.catch(() => {})
    await eventually(async () => {
      await cluster.clock.advance(2_000)
      return Promise.race([drained.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))])
    })
    await own.close()
    await proxy.close()
  }
  const created = { stop, proxy, done, close }
  candidates.push(created)
  return created
}

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}

/** Every request that is on its way has been answered, but those that a proxy holds back. */
const settled = () => quiet(() => candidates.reduce((sum, { proxy }) => sum + proxy.passed, 0))

/** Moves the clock on, a second at a time, with the requests that each second causes answered, until the condition holds. */
async function secondsUntil(condition: () => boolean): Promise<number> {
  for (let second = 0; second < 60; second++) {
    await settled()
    if (condition()) return second
    await cluster.clock.advance(1_000)
  }
  throw new Error('it did not happen within a minute')
}

describe('an election', () => {
  it('has one leader; another follows at once when the first ends in order', async () => {
    const first = await candidate('a')
    await secondsUntil(() => leaders.has('a'))
    const second = await candidate('b')
    expect(await secondsUntil(() => leaders.has('b')).catch(() => 'never')).toBe('never')
    first.stop.abort()
    await first.done
    expect((await lease()).spec.holderIdentity).toBe('')
    expect(await secondsUntil(() => leaders.has('b'))).toBeLessThan(10)
    expect((await lease()).spec.leaseTransitions).toBe(1)
    second.stop.abort()
    await second.done
    expect(mostAtOnce).toBe(1)
  })

  it('ends a leader that cannot renew before anybody else may begin', async () => {
    const first = await candidate('a')
    await secondsUntil(() => leaders.has('a'))
    await candidate('b')
    await first.proxy.stop()
    const lostAfter = await secondsUntil(() => !leaders.has('a'))
    expect(lostAfter).toBeGreaterThanOrEqual(8)
    expect(lostAfter).toBeLessThanOrEqual(12)
    const takenAfter = lostAfter + (await secondsUntil(() => leaders.has('b')))
    expect(takenAfter).toBeGreaterThanOrEqual(13)
    expect(takenAfter).toBeLessThanOrEqual(30)
    await first.proxy.restart()
    await cluster.clock.advance(5_000)
    expect([...leaders]).toEqual(['b'])
    expect(mostAtOnce).toBe(1)
  })

  it('judges by its own monotonic clock, not by the times in the Lease', async () => {
    const past = '2001-01-01T00:00:00.000000Z'
    const spec = { holderIdentity: 'stranger', leaseDurationSeconds: 15, renewTime: past, acquireTime: past }
    await client.of(Lease).create({ metadata: at, spec })
    await candidate('a')
    for (let renewal = 0; renewal < 4; renewal++) {
      for (let second = 0; second < 10; second++) {
        await cluster.clock.advance(1_000)
        await settled()
      }
      expect(leaders.size).toBe(0)
      await client.of(Lease).mergePatch(at, { metadata: { annotations: { renewal: `${renewal}` } } })
    }
    const seconds = await secondsUntil(() => leaders.has('a'))
    expect(seconds).toBeGreaterThanOrEqual(15)
  })

  it('follows at once a leader whose process has ended, and waits for one that lives', async () => {
    const ended = spawn('true')
    await once(ended, 'exit')
    const own = describeOwnProcess() ?? ''
    const holderIdentity = `stranger_${own}`
    await client.of(Lease).create({ metadata: at, spec: { holderIdentity, leaseDurationSeconds: 15 } })
    await candidate('a')
    for (let second = 0; second < 10; second++) {
      await settled()
      await cluster.clock.advance(1_000)
    }
    expect(leaders.size).toBe(0)
    const gone = holderIdentity.replace(`pid-${process.pid}-`, `pid-${ended.pid}-`)
    await client.of(Lease).mergePatch(at, { spec: { holderIdentity: gone } })
    expect(await secondsUntil(() => leaders.has('a'))).toBeLessThanOrEqual(3)
    expect((await lease()).spec).toMatchObject({ holderIdentity: expect.stringMatching(/^a_.*_pid-/), leaseTransitions: 1 })
  })

  it('keeps its leader when the answer to a renewal is lost', async () => {
    const first = await candidate('a')
    await secondsUntil(() => leaders.has('a'))
    for (let round = 0; round < 5; round++) {
      const before = (await lease()).metadata.resourceVersion
      // The request passes, the answer does not.
      first.proxy.stall()
      await cluster.clock.advance(2_000)
      first.proxy.flow()
      await eventually(async () => (await lease()).metadata.resourceVersion !== before)
      first.proxy.cut()
    }
    await secondsUntil(() => true)
    expect(leaders.has('a')).toBe(true)
    expect((await lease()).spec.leaseTransitions).toBe(0)
  })

  it('waits for the end of the work before it gives the Lease back, and passes on a failure of the work', async () => {
    let finish: () => void = () => {}
    const slow = await candidate('a', () => new Promise((resolve) => (finish = resolve)))
    await secondsUntil(() => leaders.has('a'))
    slow.stop.abort()
    await cluster.clock.advance(1_000)
    expect((await lease()).spec.holderIdentity).toMatch(/^a_/)
    finish()
    await slow.done
    expect((await lease()).spec.holderIdentity).toBe('')

    const failing = await candidate('b', () => Promise.reject(new Error('no good')))
    const outcome = failing.done.catch((error: unknown) => error)
    await secondsUntil(() => mostAtOnce > 0 && !leaders.has('b'))
    expect(await outcome).toMatchObject({ message: 'no good' })
    expect((await lease()).spec.holderIdentity).toBe('')
  })

  it('stands by for others, never for itself', async () => {
    const lines: string[] = []
    const log = createLogger({ program: 'test', output: { write: (line) => void lines.push(line) } })
    const only = await candidate('a', untilAborted, log)
    await secondsUntil(() => leaders.has('a'))
    only.proxy.stall()
    await secondsUntil(() => !leaders.has('a'))
    await eventually(async () => {
      await cluster.clock.advance(2_000)
      return lines.some((line) => line.includes('the Lease could not be asked for'))
    })
    only.proxy.flow()
    only.proxy.cut()
    await secondsUntil(() => leaders.has('a'))
    const said = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
    expect(said.filter((msg) => msg.startsWith('leading'))).toEqual([
      'leading',
      'leading no longer: the Lease could not be renewed',
      'leading',
    ])
    expect(said).not.toContain('standing by')
  })

  it('never has two leaders, whatever the network does', async () => {
    for (const identity of ['a', 'b', 'c']) await candidate(identity)
    let seed = 7
    const random = () => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31
      return seed / 2 ** 31
    }
    const led = new Set<string>()
    for (let step = 0; step < 200; step++) {
      const [leader] = leaders
      const { proxy } = candidates[step % 20 < 8 && leader ? 'abc'.indexOf(leader) : Math.floor(random() * 3)] as Candidate
      const fault = random()
      if (fault < 0.2) proxy.stall()
      else if (fault < 0.3) proxy.cut()
      else if (fault < 0.5) for (const each of candidates) each.proxy.flow()
      await cluster.clock.advance(Math.floor(random() * 4_000))
      await settled()
      for (const name of leaders) led.add(name)
      expect(leaders.size).toBeLessThanOrEqual(1)
    }
    for (const { proxy } of candidates) proxy.flow()
    await secondsUntil(() => leaders.size === 1)
    expect(mostAtOnce).toBe(1)
    expect(led.size).toBeGreaterThan(1)
  })
})
