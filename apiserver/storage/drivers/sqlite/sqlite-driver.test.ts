import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeContract } from '../../store.contract.js'
import { SqliteDriver } from './sqlite-driver.js'

storeContract('SQLite', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-store-'))
  return {
    driver: () => new SqliteDriver(join(directory, 'millrace.db')),
    remove: () => rm(directory, { recursive: true }),
  }
})
