import { expect, it } from 'vitest'
import { proxyHeader } from './proxy-header.js'

const signature = '0d0a0d0a000d0a515549540a'

it.each([
  ['127.0.0.1', '10.0.0.255', '2111000c7f0000010a0000ff'],
  ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '2111000c7f0000010a000001'],
  ['::1', '2001:db8::7:0', `21210024${'0'.repeat(31)}120010db8000000000000000000070000`],
  ['fe80::1%eth0', '::', `21210024fe800000000000000000000000000001${'0'.repeat(32)}`],
  ['::1', '127.0.0.1', `21210024${'0'.repeat(31)}100000000000000000000ffff7f000001`],
])('says that %s connected to %s', (client, server, rest) => {
  const header = proxyHeader({ address: client, port: 0x1234 }, { address: server, port: 65_535 })
  expect(header.toString('hex')).toBe(`${signature}${rest}1234ffff`)
})

it('says nothing of what is no address', () => {
  expect(() => proxyHeader({ address: 'localhost', port: 1 }, { address: '::1', port: 1 })).toThrow('"localhost" is no address')
})
