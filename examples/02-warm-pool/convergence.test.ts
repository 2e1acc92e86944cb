import fc from 'fast-check'
import { Task } from 'millrace/api'
import { type Action, checkConvergence } from 'millrace/testing'
import { expect, it } from 'vitest'
import { WarmPool, warmPool } from './warm-pool.js'

const size = fc.nat(3)
const pool = { namespace: 'default', name: 'pool' }

const create: Action<number> = {
  input: size,
  run: ({ client }, size) => client.of(WarmPool).create({ metadata: pool, spec: { size, command: ['true'] } }),
}
const resize: Action<number> = {
  input: size,
  run: ({ client }, size) => client.of(WarmPool).mergePatch(pool, { spec: { size } }),
}
const takeOne: Action<number> = {
  input: size,
  run: ({ client }, slot) => client.of(Task).delete({ namespace: 'default', name: `pool-${slot}` }),
}

it('comes to the same end, whatever happens on the way', async () => {
  await checkConvergence({
    controllers: [warmPool],
    actions: { create, resize, takeOne },
    invariant: ({ list }) => expect(list(Task).length).toBeLessThanOrEqual(3),
    runs: 10,
  })
})
