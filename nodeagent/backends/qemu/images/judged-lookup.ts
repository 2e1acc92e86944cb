import { lookup as resolveName } from 'node:dns'
import type { LookupFunction } from 'node:net'

/** The part of dns.lookup that is used here. */
export type ResolveName = (
  name: string,
  options: { readonly all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void,
) => void

/**
 * Finds the addresses of a name for a connection, and gives only those that may be connected to: what was judged is what is dialled, so
 * that a name which is another address a moment later leads nowhere else. `refuse` makes the error for a name that has no such address.
 */
export function judgedLookup(may: (address: string) => boolean, refuse: () => Error, resolve: ResolveName = resolveName): LookupFunction {
  return (name, { all, family, hints }, done) => {
    resolve(name, { all: true, ...(family === undefined ? {} : { family }), ...(hints === undefined ? {} : { hints }) }, (error, found) => {
      const addresses = error ? [] : found.filter(({ address }) => may(address))
      const [first] = addresses
      const failure = error ?? (first ? null : refuse())
      if (all) done(failure, addresses)
      else done(failure, first?.address ?? '', first?.family)
    })
  }
}
