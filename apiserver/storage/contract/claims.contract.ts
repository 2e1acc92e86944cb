import { describe, expect, it } from 'vitest'
import { isConflict } from '../../../lib/api/api-error.js'
import type { StoreUnderTest } from '../testing/store-under-test.js'
import { failureOf, lease, put, remove, task } from '../testing/store-writes.js'

export function claimsContract(t: StoreUnderTest): void {
  describe('claims', () => {
    it('gives one claim to one object and names the holder to others', async () => {
      await put(t.store, task('ns-1/a'), { claims: ['cluster:spec.listen=0.0.0.0:80'] })
      const failure = await failureOf(put(t.store, task('ns-2/b'), { claims: ['cluster:spec.listen=0.0.0.0:80'] }))
      expect(isConflict(failure)).toBe(true)
      expect(failure.message).toContain('spec.listen=0.0.0.0:80 is already held by tasks "ns-1/a"')
      await put(t.store, task('ns-1/a'), { claims: ['cluster:spec.listen=0.0.0.0:80'], value: 'the holder may change' })
      await put(t.store, lease('c'), { claims: ['cluster:spec.listen=0.0.0.0:80'] })
    })

    it('decides claims within a batch, and frees them with their object', async () => {
      const rivals = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => put(t.store, task(`t${n}`), { claims: ['port=1'] })))
      expect(rivals.map((rival) => rival.status)).toEqual(['fulfilled', ...Array(9).fill('rejected')])
      await Promise.all([remove(t.store, task('t0')), put(t.store, task('t1'), { claims: ['port=1'] })])
      await Promise.all([put(t.store, task('t1'), { claims: ['port=2'] }), put(t.store, task('t2'), { claims: ['port=1'] })])
      await t.reopen()
      expect((await failureOf(put(t.store, task('t3'), { claims: ['port=1'] }))).message).toContain('"default/t2"')
    })
  })
}
