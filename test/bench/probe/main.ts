/** Asks a server one small thing again and again and tells its parent how long each answer took. */
import { openConnection } from '../../processes/connection.js'
import type { Probe } from './probe.js'

async function probe({ target, path }: Probe): Promise<never> {
  const connection = await openConnection(target)
  for (;;) {
    const before = performance.now()
    await connection.request('GET', path)
    process.send?.(performance.now() - before)
  }
}

process.once('disconnect', () => process.exit(0))
process.once('message', (message) => void probe(message as Probe))
