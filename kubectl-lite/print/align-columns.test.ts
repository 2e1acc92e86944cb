import { stripVTControlCharacters } from 'node:util'
import { describe, expect, it } from 'vitest'
import { alignColumns } from './align-columns.js'
import { painter } from './paint.js'

describe('alignColumns', () => {
  it('puts cells under each other and leaves no space behind the last', () => {
    expect(
      alignColumns([
        ['NAME', 'AGE'],
        ['a-long-name', '3s'],
      ]),
    ).toBe('NAME          AGE\na-long-name   3s\n')
  })

  it('leaves no space where the last cells are empty', () => {
    expect(
      alignColumns([
        ['NAME', 'APP', 'TIER'],
        ['a', '', ''],
        ['b', 'web', ''],
      ]),
    ).toBe('NAME   APP   TIER\na\nb      web\n')
  })

  it('counts the columns of a terminal, not characters', () => {
    expect(
      alignColumns([
        ['名前', 'x'],
        ['abcd', 'x'],
      ]),
    ).toBe('名前   x\nabcd   x\n')
  })

  it('stays in line with what was printed before', () => {
    const widths: number[] = []
    alignColumns([['a-long-name', '1']], widths)
    expect(alignColumns([['b', '2']], widths)).toBe('b             2\n')
  })
})

describe('painter', () => {
  const io = (terminal: boolean, env = {}) => ({ terminal, env })

  it('colours states on a terminal, around the same text', async () => {
    const painted = alignColumns([['a', 'Failed', 'x']], [], await painter(io(true)))
    expect(painted).toContain('\u001b[31mFailed   \u001b[39m')
    expect(stripVTControlCharacters(painted)).toBe('a     Failed   x\n')
  })

  it.each([io(false), io(true, { NO_COLOR: '1' }), io(true, { TERM: 'dumb' })])('does not for %j', async (where) => {
    expect(await painter(where)).toBeUndefined()
  })
})
