import { describe, expect, it } from 'vitest'
import { isPublicAddress } from '../../../../lib/api/public-address.js'
import { judgedLookup, type ResolveName } from './judged-lookup.js'

const resolved =
  (...addresses: string[]): ResolveName =>
  (_name, _options, done) =>
    done(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )

function look(resolve: ResolveName, all: boolean): Promise<unknown> {
  const lookup = judgedLookup(isPublicAddress, () => new Error('not there'), resolve)
  return new Promise((done, fail) => lookup('images.example', { all }, (error, address) => (error ? fail(error) : done(address))))
}

describe('the addresses of a name', () => {
  it('are those alone that may be connected to', async () => {
    const mixed = resolved('127.0.0.1', '1.1.1.1', '169.254.169.254', '2606:4700::1111')
    expect(await look(mixed, true)).toEqual([
      { address: '1.1.1.1', family: 4 },
      { address: '2606:4700::1111', family: 6 },
    ])
    expect(await look(mixed, false)).toBe('1.1.1.1')
  })

  it.each([true, false])('are judged at each look: a name that was public is not believed the next time (all: %s)', async (all) => {
    const answers = [['1.1.1.1'], ['169.254.169.254']]
    const changing: ResolveName = (name, options, done) => resolved(...(answers.shift() ?? []))(name, options, done)
    await look(changing, all)
    await expect(look(changing, all)).rejects.toThrow('not there')
  })

  it('that are not found are said as they are', async () => {
    const unknown: ResolveName = (_name, _options, done) =>
      done(Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' }), [])
    await expect(look(unknown, true)).rejects.toThrow('ENOTFOUND')
  })
})
