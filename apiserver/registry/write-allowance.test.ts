import { describe, expect, it } from 'vitest'
import { isApiErrorWithReason } from '../../lib/api/api-error.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import type { UserInfo } from '../auth/user.js'
import { WriteAllowance } from './write-allowance.js'

const rate = { burst: 1_000, perSecond: 100 }
const rates = {
  node: { bytes: rate, events: { burst: 2, perSecond: 0.5 } },
  program: { events: { burst: 4, perSecond: 1 } },
  other: { bytes: { burst: 2_000, perSecond: 100 }, events: { burst: 3, perSecond: 1 } },
}
const node: UserInfo = { name: 'system:node:n1', groups: ['system:nodes'] }
const scheduler: UserInfo = { name: 'system:scheduler', groups: [] }
const ann: UserInfo = { name: 'ann', groups: ['team'] }
const admin: UserInfo = { name: 'admin', groups: ['system:masters'] }

const setUp = () => {
  const clock = new ManualClock()
  return { clock, allowance: new WriteAllowance(clock, rates) }
}
const retryAfter = (act: () => unknown): number | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    expect(error).toSatisfy(isApiErrorWithReason('TooManyRequests'))
    return (error as { details: { retryAfterSeconds?: number } }).details.retryAfterSeconds
  }
}

describe('what an identity may write', () => {
  it('has no bounds for masters', () => {
    expect(setUp().allowance.accountOf(admin)).toBeUndefined()
  })

  it('is paid afterwards: who owes waits until the debt is paid, and others do not', async () => {
    const { clock, allowance } = setUp()
    const account = () => allowance.accountOf(node)
    account()?.admit(false)
    account()?.charge(1_000)
    expect(retryAfter(() => account()?.admit(false))).toBeUndefined()
    account()?.charge(250)
    expect(retryAfter(() => account()?.admit(false))).toBe(3)
    expect(retryAfter(() => allowance.accountOf({ ...node, name: 'system:node:n2' })?.admit(false))).toBeUndefined()
    expect(retryAfter(() => allowance.accountOf(ann)?.admit(false))).toBeUndefined()
    await clock.advance(2_499)
    expect(retryAfter(() => account()?.admit(false))).toBe(1)
    await clock.advance(1)
    expect(retryAfter(() => account()?.admit(false))).toBeUndefined()
  })

  it.each<[string, UserInfo, number, number]>([
    ['a node', node, 2, 2],
    ['a program of the cluster', scheduler, 4, 1],
    ['anybody else', ann, 3, 1],
  ])('bounds the Events of %s, and nothing else of it', async (_who, user, burst, seconds) => {
    const { clock, allowance } = setUp()
    const write = (isEvent: boolean) => retryAfter(() => allowance.accountOf(user)?.admit(isEvent))
    for (let n = 0; n < burst; n++) expect(write(true)).toBeUndefined()
    expect(write(true)).toBe(seconds)
    expect(write(false)).toBeUndefined()
    await clock.advance(seconds * 1_000)
    expect(write(true)).toBeUndefined()
  })

  it("has no bounds in bytes for the cluster's own programs", () => {
    const { allowance } = setUp()
    allowance.accountOf(scheduler)?.charge(1e12)
    expect(retryAfter(() => allowance.accountOf(scheduler)?.admit(false))).toBeUndefined()
  })
})
