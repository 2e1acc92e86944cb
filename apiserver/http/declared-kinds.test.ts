/**
 * A kind that is declared and one that its definition makes are one: the same
 * objects come in, as the same, and the others are refused alike.
 */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { definitionOf } from '../../lib/api/custom-kinds/definition-of.js'
import type { Kind } from '../../lib/api/define-kind.js'
import { aKind, anyOptions, anyValue } from '../../lib/api/fixtures/any-kind.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { silentLogger } from '../../lib/base/log.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { createServerTokens } from '../auth/tokens/server-tokens.js'
import { mastersGroup } from '../auth/user.js'
import { startApiserver } from '../server.js'
import { openMemoryStore } from '../storage/open-memory-store.js'
import { define } from './fixtures/definitions.js'
import { type Json, send } from './fixtures/requests.js'

it('accepts and refuses the same', async () => {
  const samples = fc.sample(
    anyOptions.chain((options) =>
      fc.record({ options: fc.constant(options), bodies: fc.array(anyValue(aKind(options).schema), { minLength: 12, maxLength: 12 }) }),
    ),
    15,
  )
  const drawn = samples.map(({ options, bodies }, index) => {
    const kind = `Pool${index}`
    return { kind: aKind({ ...options, shortNames: [], kind, plural: `${kind.toLowerCase()}s`, singular: kind.toLowerCase() }), bodies }
  })
  await using declaring = await serverOf(drawn.map(({ kind }) => kind))
  await using defining = await testCluster()
  let accepted = 0
  let refused = 0
  for (const { kind, bodies } of drawn) {
    await define(defining, JSON.parse(JSON.stringify(definitionOf(kind))))
    for (const [index, body] of bodies.entries()) {
      const object = { ...(body as object), apiVersion: kind.apiVersion, kind: kind.kind, metadata: { name: `a${index}` } }
      const [one, other] = [await post(declaring, kind, object), await post(defining, kind, object)]
      expect(other, JSON.stringify({ schema: kind.schema, object })).toEqual(one)
      one.code === 201 ? accepted++ : refused++
    }
  }
  expect(Math.min(accepted, refused)).toBeGreaterThan(20)
})

async function post(cluster: Pick<TestCluster, 'url'>, kind: Kind, object: object) {
  const where = kind.scope === 'Namespaced' ? '/namespaces/default' : ''
  const { code, json } = await send(cluster, 'POST', `/apis/${kind.apiVersion}${where}/${kind.plural}?fieldValidation=Strict`, {
    body: object,
  })
  return { code, ...answer(json) }
}

function answer({ metadata: _metadata, details, ...rest }: Json): Json {
  return { ...rest, causes: details?.causes }
}

/** A server that was born with these kinds, too. */
async function serverOf(kinds: readonly Kind[]): Promise<AsyncDisposable & { url: string }> {
  const clock = new ManualClock()
  const store = await openMemoryStore({ clock, policyOf: () => undefined })
  const authenticate = () => ({ name: 'admin', groups: [mastersGroup] })
  const all = [...builtinKinds, ...kinds]
  const tokens = await createServerTokens({ store, clock })
  const server = await startApiserver({ store, clock, log: silentLogger, kinds: all, tokens, host: '127.0.0.1', port: 0, authenticate })
  const close = async () => {
    await server.close()
    await store.close()
  }
  return { url: `http://127.0.0.1:${server.port}`, [Symbol.asyncDispose]: close }
}
