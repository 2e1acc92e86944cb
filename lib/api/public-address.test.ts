import { expect, it } from 'vitest'
import { isPublicAddress, parsePrefix } from './public-address.js'

it.each(['1.1.1.1', '93.184.216.34', '2606:4700:4700::1111', '::ffff:1.1.1.1'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true)
})

it.each([
  ...['0.0.0.0', '10.0.0.5', '100.64.0.1', '127.0.0.1', '127.1.2.3', '169.254.169.254', '172.30.0.1', '192.168.1.1', '192.0.0.192'],
  ...['198.18.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1', 'fe80::1%eth0', 'fd00:ec2::254', 'fec0::1'],
  ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::127.0.0.1', '64:ff9b::7f00:1', '2002:7f00:1::', '2001::1', 'ff02::1', '4000::1'],
  ...['localhost', '', '0x7f.1', '010.0.0.1'],
])('%s is not', (address) => expect(isPublicAddress(address)).toBe(false))

it.each([
  ['10.0.0.0/8', '10.1.2.3', true],
  ['10.0.0.0/8', '::ffff:10.1.2.3', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.0.0.0/8', 'fd00::1', false],
  ['fd00::/8', 'fd12::1', true],
  ['fd00::/8', '10.0.0.1', false],
  ['127.0.0.1/32', '127.0.0.2', false],
])('%s has %s: %s', (prefix, address, has) => expect(parsePrefix(prefix)?.has(address)).toBe(has))

it.each(['10.0.0.0', '10.0.0.0/33', 'lab', '/8', '10.0.0/8'])('%s is no prefix', (text) => expect(parsePrefix(text)).toBeUndefined())
