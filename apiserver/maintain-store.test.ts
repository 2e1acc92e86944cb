import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../lib/base/clock.js'
import { FlagError } from '../lib/base/flags.js'
import { maintainStore } from './maintain-store.js'
import { openSqliteStore } from './storage/open-sqlite-store.js'

let data: string
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'millrace-maintain-'))
})
afterEach(() => rm(data, { recursive: true }))

const openStore = () => openSqliteStore({ directory: join(data, 'apiserver'), policyOf: () => undefined, clock: systemClock })
const key = (name: string) => ({ group: '', resource: 'configmaps', namespace: 'default', name })
async function write(store: Awaited<ReturnType<typeof openStore>>, name: string): Promise<void> {
  const head = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{'
  const draft = {
    uid: name,
    bytes: Buffer.from(`${head}"name":"${name}","namespace":"default","uid":"${name}"}}`),
    spliceAt: head.length,
    facets: { labels: {}, fields: {}, owners: [], claims: [] },
  }
  await store.write(key(name), () => ({ type: 'put', draft }), { actor: 'test', requestId: name })
}

describe('the maintenance commands', () => {
  it('back up a running store, and bring it back with revisions that go on', async () => {
    const store = await openStore()
    await write(store, 'before')
    const backup = join(data, 'backup.db')
    expect((await maintainStore(data, ['backup', backup])).text).toMatch(/^backed up to .*backup\.db: \d+ bytes, revision \d+$/)
    await write(store, 'after')
    const last = store.revision
    await expect(maintainStore(data, ['verify'])).rejects.toThrow(/lock|another|runs/i)
    await store.close()

    expect(await maintainStore(data, ['verify'])).toMatchObject({
      code: 0,
      text: expect.stringMatching(/^the store is consistent: 2 objects/),
    })
    expect((await maintainStore(data, ['restore', backup])).text).toMatch(
      /^restored 1 objects; revisions go on at \d+; the database that was there is kept/,
    )
    const restored = await openStore()
    expect(restored.get(key('before'))).toBeDefined()
    expect(restored.get(key('after'))).toBeUndefined()
    expect(restored.revision).toBeGreaterThan(last)
    await restored.close()
    expect((await maintainStore(data, ['rekey'])).text).toMatch(/^sealed 0 rows with the new key/)
    expect((await maintainStore(data, ['repair'])).code).toBe(0)
  })

  it('refuse what is no backup, and leave the store as it was', async () => {
    const store = await openStore()
    await write(store, 'kept')
    await store.close()
    const file = join(data, 'no-backup.db')
    await writeFile(file, 'these are not the bytes of a database')
    await expect(maintainStore(data, ['restore', file])).rejects.toThrow()
    expect((await maintainStore(data, ['verify'])).text).toContain('1 objects')
  })

  it.each([[['nope']], [['backup']], [['verify', 'FILE']], [['restore', 'a', 'b']]])('%j is refused with the usage', async (operands) => {
    await expect(maintainStore(data, operands)).rejects.toThrow(FlagError)
  })
})
