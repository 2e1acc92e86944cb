import type { Socket } from 'node:net'

/** Who is at the other end, as people write it: IPv4 that came in by IPv6 is IPv4. */
export function addressOf({ remoteAddress = 'an unknown address' }: Pick<Socket, 'remoteAddress'>): string {
  return remoteAddress.replace(/^::ffff:/, '')
}
