import { expect, it } from 'vitest'
import { addressOutside } from './listen-failure.js'

it.each([
  ['0.0.0.0', '0.0.0.0', true],
  ['0.0.0.0', '192.0.2.7', true],
  ['::', '192.0.2.7', true],
  ['127.0.0.1', '0.0.0.0', true],
  ['127.0.0.1', '::', true],
  ['127.0.0.1', '127.0.0.1', true],
  ['::1', '0:0:0:0:0:0:0:1', true],
  ['127.0.0.1', '192.0.2.7', false],
  ['127.0.0.1', '127.0.0.2', false],
  ['192.0.2.7', '127.0.0.1', false],
  ['localhost', '192.0.2.7', false],
])('a gateway at %s and a Tunnel at %s: %s', (host, address, isWithin) => {
  expect(addressOutside(host, { address, port: 32_000 })?.reason).toBe(isWithin ? undefined : 'AddressOutside')
})
