import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

/** An address cannot be listened on; says what to do. */
export class ListenError extends Error {
  override readonly name = 'ListenError'
}

/** Resolves with the port. Rejects with ListenError; `flag` is the one that chooses another port. */
export async function listen(server: Server, host: string, port: number, flag: string): Promise<number> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const why =
      code === 'EADDRINUSE'
        ? `port ${port} of ${host} is taken by another program; end it, or choose another port with --${flag}`
        : code === 'EADDRNOTAVAIL'
          ? `${host} is no address of this machine; choose one with --host`
          : code === 'EACCES'
            ? `port ${port} of ${host} may not be used by this user; choose another one with --${flag}`
            : `port ${port} of ${host} cannot be listened on: ${(cause as Error).message}`
    throw new ListenError(why, { cause })
  }
  return (server.address() as AddressInfo).port
}
