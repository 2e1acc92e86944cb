import { describe, expect, it } from 'vitest'
import { createSealingKey, Keyring } from '../keyring.js'
import type { StoreUnderTest } from '../testing/store-under-test.js'
import { contentOf, failureOf, put, secret, task } from '../testing/store-writes.js'

const tasks = { group: 'millrace.dev', resource: 'tasks' }

export function restartContract(t: StoreUnderTest): void {
  describe('restart', () => {
    it('finds every object, facet and revision again', async () => {
      await Promise.all(
        Array.from({ length: 700 }, (_, n) =>
          put(t.store, task(`ns-${n % 3}/t${n}`), { labels: { n: String(n) }, fields: { 'spec.nodeName': `n${n % 9}` }, value: n }),
        ),
      )
      await put(t.store, secret('s'), { value: 'token' })
      const before = { tasks: t.store.list(tasks), secret: t.store.get(secret('s')), revision: t.store.revision }
      await t.reopen()
      expect({ tasks: t.store.list(tasks), secret: t.store.get(secret('s')), revision: t.store.revision }).toEqual(before)
    })

    it('does not open sealed objects with another key', async () => {
      await put(t.store, secret('s'), { value: 'token' })
      const failure = await failureOf(t.reopen({ keyring: new Keyring([createSealingKey()]) }))
      expect(failure.message).toContain('the key file has no key')
      await t.reopen()
      expect(contentOf(t.store.get(secret('s')))?.value).toBe('token')
    })
  })
}
