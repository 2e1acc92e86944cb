import { randomInt } from 'node:crypto'
import { isPortFree } from '../../launcher/free-port.js'

/**
 * A TCP port on loopback that nobody listens on now. It lies below those of Tunnels, and those that the system gives to connections and to
 * whoever asks for any port, so that nobody comes upon it by chance before it is used, or while what listens there is being started again.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000)
    if (await isPortFree(port, '127.0.0.1')) return port
  }
}
