import { chmod, copyFile, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isExpired } from '../../../lib/api/api-error.js'
import { ManualClock } from '../../../lib/testing/manual-clock.js'
import { loadSqliteModules } from '../drivers/sqlite/sqlite-modules.js'
import { openSqliteStore } from '../open-sqlite-store.js'
import type { Store } from '../store.js'
import { contentOf, failureOf, lease, namesOf, policyOf, put, remove, secret, task } from '../testing/store-writes.js'
import { backupStore } from './backup.js'
import { withDatabase } from './data-directory-access.js'
import { rekeyStore } from './rekey.js'
import { restoreStore } from './restore.js'
import { verifyStore } from './verify.js'

const canary = 'canary-3f9d2c71'
const tasks = { group: 'millrace.dev', resource: 'tasks' }
const now = new Date('2026-01-02T03:04:05Z')

let root: string
let directory: string
let store: Store

const open = () => openSqliteStore({ directory, policyOf, clock: new ManualClock() })

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'millrace-maintenance-'))
  directory = join(root, 'apiserver')
  store = await open()
  await put(store, task('a'), { value: 1 })
  await put(store, task('a'), { value: 2 })
  await Promise.all([put(store, task('b')), put(store, secret('s'), { value: canary }), put(store, lease('l'))])
  await remove(store, task('b'))
})
afterEach(async () => {
  await store.close()
  await rm(root, { recursive: true })
})

async function sql(...statements: string[]): Promise<void> {
  await store.close()
  await withDatabase(await loadSqliteModules(), join(directory, 'millrace.db'), async ({ writer }) => {
    for (const statement of statements) await writer.run(statement)
  })
}

/** Names of files below `path` that contain the text. */
async function filesWith(path: string, text: string): Promise<string[]> {
  const found: string[] = []
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true }))
    if (entry.isFile() && (await readFile(join(entry.parentPath, entry.name))).includes(text)) found.push(entry.name)
  return found
}

describe('sealing', () => {
  it('leaves no value of a secret in the database, its write-ahead log or a backup', async () => {
    await backupStore({ directory, file: join(root, 'backup.db') })
    expect(await readdir(directory)).toContain('millrace.db-wal')
    expect(await filesWith(root, canary)).toEqual([])
    expect(await filesWith(root, Buffer.from(canary).toString('base64').slice(0, 12))).toEqual([])
    expect(await filesWith(root, 'millrace.dev/tasks')).toEqual(expect.arrayContaining(['millrace.db-wal', 'backup.db']))
    expect(contentOf(store.get(secret('s')))?.value).toBe(canary)
  })

  it('keeps the key for its owner alone', async () => {
    const keys = join(directory, 'secrets.key')
    expect((await stat(keys)).mode & 0o777).toBe(0o600)
    expect((await stat(directory)).mode & 0o777).toBe(0o700)
    await store.close()
    await chmod(keys, 0o644)
    expect((await failureOf(open())).message).toContain('can be read by others (mode 644)')
  })

  it('does not start without the key file, and does not make another', async () => {
    await store.close()
    await rm(join(directory, 'secrets.key'))
    expect((await failureOf(open())).message).toContain('secrets.key is missing')
    expect(await readdir(directory)).not.toContain('secrets.key')
  })

  it('does not open bytes that were moved to another row', async () => {
    await put(store, secret('t'), { value: 'other' })
    await sql("UPDATE log SET bytes = (SELECT bytes FROM log WHERE name = 's') WHERE name = 't'")
    expect((await failureOf(open())).message).toContain('the sealed bytes of /secrets/default/t')
  })
})

describe('verify', () => {
  it('finds a sound store sound', async () => {
    await store.close()
    expect(await verifyStore({ directory })).toEqual({ objects: 3, rows: 6, sealed: 1, problems: [], viewDiffers: false, repaired: false })
  })

  it('finds it sound after compaction too', async () => {
    for (let n = 0; n < 5; n++) await put(store, lease('l'), { value: n })
    await remove(store, lease('l'))
    await put(store, lease('m'))
    await store.compact(store.revision)
    await store.close()
    expect(await verifyStore({ directory })).toMatchObject({ objects: 3, problems: [] })
  })

  it('refuses while the API server runs, and where there is no store', async () => {
    expect((await failureOf(verifyStore({ directory }))).message).toContain('is in use by another process')
    expect((await failureOf(verifyStore({ directory: root }))).message).toContain('there is no database at')
  })

  it('rebuilds a view that was lost, from the log alone', async () => {
    const before = { tasks: store.list(tasks).objects, secret: store.get(secret('s')) }
    await sql('DELETE FROM objects', "INSERT INTO objects VALUES ('millrace.dev/tasks', 'default', 'ghost', 5)")
    const found = await verifyStore({ directory })
    expect(found.problems).toHaveLength(4)
    expect(found).toMatchObject({ viewDiffers: true, repaired: false })
    expect(await verifyStore({ directory, repair: true })).toMatchObject({ repaired: true })
    expect(await verifyStore({ directory })).toMatchObject({ problems: [], objects: 3 })
    store = await open()
    expect({ tasks: store.list(tasks).objects, secret: store.get(secret('s')) }).toEqual(before)
  })

  it.each([
    ['a row that vanished', 'DELETE FROM log WHERE revision = 2', 'the log is broken before millrace.dev/tasks/default/a at revision 3'],
    ['a deletion that vanished', 'DELETE FROM log WHERE revision = 7', 'the view lacks millrace.dev/tasks/default/b at revision 4'],
    ['another uid', "UPDATE log SET uid = 'x' WHERE revision = 3", 'its bytes say uid uid-a'],
    [
      'bytes of another revision',
      'UPDATE log SET bytes = (SELECT bytes FROM log WHERE revision = 2) WHERE revision = 3',
      'its bytes say resourceVersion 2',
    ],
    ['bytes that are no JSON', "UPDATE log SET bytes = CAST('{' AS BLOB) WHERE revision = 3", 'millrace.dev/tasks/default/a at revision 3'],
    ['sealed bytes that were changed', "UPDATE log SET bytes = zeroblob(200) WHERE sealed_by <> ''", 'do not open with key'],
    [
      'an object made twice',
      'UPDATE log SET op = 0, previous_revision = 0, create_revision = 3 WHERE revision = 3',
      'the log is broken before',
    ],
  ])('finds %s', async (_what, damage, problem) => {
    await sql(damage)
    expect((await verifyStore({ directory, repair: false })).problems.join('\n')).toContain(problem)
  })

  it('finds a damaged file', async () => {
    await Promise.all(Array.from({ length: 200 }, (_, n) => put(store, task(`t${n}`), { value: 'x'.repeat(500) })))
    await store.close()
    const file = join(directory, 'millrace.db')
    const bytes = await readFile(file)
    bytes.fill(0xa5, 5 * 16384, 6 * 16384)
    await writeFile(file, bytes)
    const outcome = await verifyStore({ directory }).then(
      (report) => report.problems.join('\n'),
      (error: Error) => error.message,
    )
    expect(outcome).toMatch(/damaged|malformed/)
  })
})

describe('backup and restore', () => {
  const file = () => join(root, 'backup.db')

  it('brings back what was there, while the API server ran', async () => {
    const report = await backupStore({ directory, file: file() })
    expect(report).toMatchObject({ revision: 7, keyIds: [expect.stringMatching(/^[0-9a-f]{8}$/)] })
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    const before = { tasks: store.list(tasks).objects, secret: store.get(secret('s')) }
    await put(store, task('late'))
    await remove(store, secret('s'))
    await store.close()
    const restored = await restoreStore({ directory, file: file(), now })
    store = await open()
    expect({ tasks: store.list(tasks).objects, secret: store.get(secret('s')) }).toEqual(before)
    expect(restored).toEqual({
      objects: 3,
      revision: store.revision,
      replaced: join(directory, 'millrace.db.before-restore-20260102T030405000Z'),
    })
  })

  it('starts watches and lists anew: no revision is used for two things', async () => {
    await backupStore({ directory, file: file() })
    const late = await put(store, task('late'))
    await store.close()
    await restoreStore({ directory, file: file(), now })
    store = await open()
    expect(store.revision).toBeGreaterThan(late.object?.revision ?? 0)
    expect(isExpired(await failureOf(store.changesSince({ ...tasks, after: late.object?.revision ?? 0 })))).toBe(true)
    expect((await put(store, task('new'))).object?.revision).toBe(store.revision)
    expect(namesOf(store.list(tasks).objects)).toEqual(['default/a', 'default/new'])
    await store.close()
    expect((await verifyStore({ directory })).problems).toEqual([])
  })

  it('restores into an empty directory with the key file of that time, and says what is missing without', async () => {
    await backupStore({ directory, file: file() })
    const elsewhere = join(root, 'elsewhere')
    const failure = await failureOf(restoreStore({ directory: elsewhere, file: file(), now }))
    expect(failure.message).toContain('put the secrets.key that belongs to this data in its place')
    expect(await readdir(elsewhere)).not.toContain('millrace.db')
    await copyFile(join(directory, 'secrets.key'), join(elsewhere, 'secrets.key'))
    expect(await restoreStore({ directory: elsewhere, file: file(), now })).toEqual({ objects: 3, revision: 1_000_007 })
  })

  it('refuses a file that is no sound backup, and leaves the store as it is', async () => {
    await backupStore({ directory, file: file() })
    await truncate(file(), 40_000)
    await writeFile(join(root, 'text.db'), 'this is not a database, but a text that is long enough to be looked at\n'.repeat(20))
    await store.close()
    const files = (await readdir(directory)).sort()
    for (const name of ['backup.db', 'text.db']) {
      const failure = await failureOf(restoreStore({ directory, file: join(root, name), now }))
      expect(failure.message).toMatch(/not sound|not a database|malformed/)
    }
    expect((await readdir(directory)).sort()).toEqual(files)
    expect((await failureOf(restoreStore({ directory, file: join(root, 'none.db'), now }))).message).toContain('there is no backup at')
    store = await open()
    expect(store.revision).toBe(7)
  })

  it('never writes over a file, and refuses to restore under a running API server', async () => {
    await backupStore({ directory, file: file() })
    expect((await failureOf(backupStore({ directory, file: file() }))).message).toContain('exists: name a new file')
    expect((await failureOf(restoreStore({ directory, file: file(), now }))).message).toContain('is in use by another process')
  })

  it('backs up one moment, however many writes go on', async () => {
    let writing = true
    const writes = (async () => {
      for (let n = 0; writing; n++) await Promise.all([put(store, task('left'), { value: n }), put(store, task('right'), { value: n })])
    })()
    await backupStore({ directory, file: file() })
    writing = false
    await writes
    await store.close()
    await restoreStore({ directory, file: file(), now })
    store = await open()
    expect(contentOf(store.get(task('left')))?.value).toEqual(contentOf(store.get(task('right')))?.value)
  })
})

describe('rekey', () => {
  it('seals every row with a new key and forgets the old one', async () => {
    await put(store, secret('s'), { value: `${canary}-2` })
    await store.close()
    const old = await readFile(join(directory, 'secrets.key'), 'utf8')
    const report = await rekeyStore({ directory })
    expect(report.rows).toBe(2)
    const { keys } = JSON.parse(await readFile(join(directory, 'secrets.key'), 'utf8'))
    expect(keys.map((key: { id: string }) => key.id)).toEqual([report.keyId])
    expect(await filesWith(directory, canary)).toEqual([])
    expect(await verifyStore({ directory })).toMatchObject({ sealed: 2, problems: [] })
    store = await open()
    expect(contentOf(store.get(secret('s')))?.value).toBe(`${canary}-2`)
    expect((await store.history(secret('s'))).map(({ change }) => contentOf(change.object)?.value)).toEqual([canary, `${canary}-2`])
    await store.close()
    await writeFile(join(directory, 'secrets.key'), old)
    expect((await failureOf(open())).message).toContain('the key file has no key')
  })

  it('that fails half way keeps both keys, and finishes when it is run again', async () => {
    await Promise.all(Array.from({ length: 250 }, (_, n) => put(store, secret(`s${n}`), { value: n })))
    await sql(
      "CREATE TABLE kept AS SELECT revision, bytes FROM log WHERE name = 's249'",
      "UPDATE log SET bytes = zeroblob(200) WHERE name = 's249'",
    )
    expect((await failureOf(rekeyStore({ directory }))).message).toContain('/secrets/default/s249')
    expect(JSON.parse(await readFile(join(directory, 'secrets.key'), 'utf8')).keys).toHaveLength(2)
    await sql("UPDATE log SET bytes = (SELECT bytes FROM kept) WHERE name = 's249'", 'DROP TABLE kept')
    expect(await verifyStore({ directory })).toMatchObject({ sealed: 251, problems: [] })
    await rekeyStore({ directory })
    expect(JSON.parse(await readFile(join(directory, 'secrets.key'), 'utf8')).keys).toHaveLength(1)
    expect(await verifyStore({ directory })).toMatchObject({ sealed: 251, problems: [] })
  })
})
