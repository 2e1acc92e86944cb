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

    it.each([
      ['a whole', 'a part of it', ['parts:80'], ['parts:80#10.0.0.1']],
      ['a part', 'its whole', ['parts:80#10.0.0.1'], ['parts:80']],
      ['a part', 'the same part', ['parts:80#10.0.0.1'], ['parts:80#10.0.0.1']],
    ])('%s overlaps %s, in a batch and after it, until it is freed', async (_a, _b, held, wanted) => {
      const rivals = await Promise.allSettled([
        put(t.store, task('holder'), { claims: held }),
        put(t.store, task('other'), { claims: ['parts:80#10.0.0.2x', 'parts:81'] }),
        put(t.store, task('rival'), { claims: wanted }),
      ])
      const whole = held[0] === 'parts:80'
      expect(rivals.map(({ status }) => status)).toEqual(['fulfilled', whole ? 'rejected' : 'fulfilled', 'rejected'])
      await t.reopen()
      expect((await failureOf(put(t.store, task('rival'), { claims: wanted }))).message).toContain('is already held by tasks "default/')
      await Promise.all([
        remove(t.store, task('holder')),
        ...(whole ? [] : [remove(t.store, task('other'))]),
        put(t.store, task('rival'), { claims: wanted }),
      ])
      expect((await failureOf(put(t.store, task('holder'), { claims: held }))).message).toContain('"default/rival"')
    })

    it('parts of one whole do not overlap, and a mark in another claim is none', async () => {
      await put(t.store, task('a'), { claims: ['parts:80#10.0.0.1', 'cluster:spec.name=x'] })
      await put(t.store, task('b'), { claims: ['parts:80#10.0.0.2', 'cluster:spec.name=x#1'] })
    })
  })
}
