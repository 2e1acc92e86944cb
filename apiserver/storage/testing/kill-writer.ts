/**
 * A process that writes to the store in the directory that it is given until it is killed, and prints each acknowledged write as a line:
 * revision, printed key, value. Run by the kill test.
 */
import { printKey } from '../../../lib/api/object-key.js'
import { systemClock } from '../../../lib/base/clock.js'
import { openSqliteStore } from '../open-sqlite-store.js'
import { contentOf, lease, policyOf, put, remove, secret, task } from './store-writes.js'

const writers = 16
const keys = 60

const [directory = '', seed = '0'] = process.argv.slice(2)
const history = { maxRevisions: Number.MAX_SAFE_INTEGER, maxAgeMs: Number.MAX_SAFE_INTEGER }
const store = await openSqliteStore({ directory, policyOf, clock: systemClock, history })

async function writeForEver(writer: number): Promise<never> {
  for (let n = 0; ; n++) {
    const name = `ns-${writer % 3}/o${(writer * 31 + n * 7) % keys}`
    const key = n % 5 === 0 ? secret(name) : task(name)
    const value = `${seed}-${writer}-${n} ${'x'.repeat(500)}`
    const { object, outcome } = await (n % 11 === 0 ? remove(store, key) : put(store, key, { value }))
    if (object && outcome !== 'unchanged') process.stdout.write(`${object.revision} ${printKey(key)} ${contentOf(object)?.value}\n`)
    if (n % 20 === 0) await put(store, lease(name), { value: n })
    if (writer === 0 && n % 50 === 49) await store.compact(Math.max(1, store.revision - 100))
  }
}

await Promise.all(Array.from({ length: writers }, (_, writer) => writeForEver(writer)))
