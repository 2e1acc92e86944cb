import { createServer } from 'node:net'
import { LaunchError } from './launch-error.js'

const tries = 100

/** Whether a program could listen there now. */
export function isPortFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

/** The first free port from `first` on that is none of `except`. `flag` chooses another one. */
export async function findFreePort(first: number, host: string, flag = 'port', except: readonly number[] = []): Promise<number> {
  for (let port = first; port < first + tries && port < 65_536; port++)
    if (!except.includes(port) && (await isPortFree(port, host))) return port
  throw new LaunchError(`All ports from ${first} to ${first + tries - 1} are taken. Choose one with --${flag}.`)
}
