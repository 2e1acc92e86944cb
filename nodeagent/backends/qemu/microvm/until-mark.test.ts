import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { UntilMark } from './until-mark.js'

describe('a stream until its mark', () => {
  it.each([
    ['whole', ['abc<mark>def'], 'abc'],
    ['in pieces', ['ab', 'c<', 'ma', 'rk>', 'def'], 'abc'],
    ['after what only begins like it', ['a<ma<mar', '<mark', '<mark>'], 'a<ma<mar<mark'],
    ['at once', ['<mark>'], ''],
    ['never', ['abc<ma'], 'abc<ma'],
  ])('%s', async (_name, chunks, expected) => {
    const stream = new UntilMark('<mark>')
    for (const chunk of chunks) stream.write(chunk)
    stream.end()
    expect(await text(stream)).toBe(expected)
  })

  it('holds nothing back that cannot be its beginning', async () => {
    const stream = new UntilMark('<mark>')
    stream.write('prompt$ ')
    expect(String(stream.read())).toBe('prompt$ ')
  })
})
