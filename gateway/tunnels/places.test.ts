import { expect, it } from 'vitest'
import { Places } from './places.js'

it.each<[string, string[], number, string]>([
  ['all of one address', ['10.0.0.1', '10.0.0.1', '10.0.0.1'], 2, 'an address has 2 connections'],
  ['one address in two spellings', ['10.0.0.1', '::ffff:10.0.0.1', '10.0.0.1'], 2, 'an address has 2 connections'],
  ['one /64', ['2001:db8::1', '2001:db8::2', '2001:db8:0:0:ffff::3'], 2, 'an address has 2 connections'],
  ['everybody', ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', '10.0.0.5'], 4, 'the tunnel has 4 connections'],
])('places are bounded for %s, and given again to who comes when one has left', (_case, addresses, room, refusal) => {
  const places = new Places({ total: 4, perAddress: 2 })
  const inside = addresses.slice(0, room).map((address) => places.take(address))
  const last = addresses[room] ?? ''
  expect(places.take(last)).toEqual({ refusal: expect.stringContaining(refusal) })
  for (const place of inside) {
    if (!('leave' in place)) throw new Error(place.refusal)
    place.leave()
    place.leave()
  }
  for (let turn = 0; turn < 2; turn++) expect(places.take(last)).toHaveProperty('leave')
})
