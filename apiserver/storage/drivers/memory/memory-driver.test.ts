import { storeContract } from '../../store.contract.js'
import { MemoryDriver } from './memory-driver.js'

storeContract('memory', async () => {
  const driver = new MemoryDriver()
  return { driver: () => driver, remove: async () => {} }
})
