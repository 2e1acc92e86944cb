import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { isYamlTooDeep } from './yaml-nesting.js'

const nestedMaps = (levels: number) => Array.from({ length: levels }, (_, level) => `${' '.repeat(level)}a:`).join('\n')

describe('the nesting of YAML', () => {
  it.each([
    ['flow lists', '['.repeat(65)],
    ['flow maps', '{a: '.repeat(65)],
    ['flow lists over several lines', '[\n'.repeat(65)],
    ['flow lists after a quoted bracket', `a: "]]]]" \nb: ${'['.repeat(65)}`],
    ['lists on one line', `${'- '.repeat(65)}a`],
    ['keys of keys', `${'? '.repeat(65)}a`],
    ['lists by tabs', `${'-\t'.repeat(65)}a`],
    ['maps by indentation', nestedMaps(66)],
    ['both mixed', `${nestedMaps(33)}\n${' '.repeat(40)}${'- '.repeat(40)}a`],
    ['a bomb of 20 KB', '['.repeat(20_000)],
    ['a bomb of lists', '- '.repeat(50_000)],
  ])('is refused when it is too deep: %s', (_case, text) => {
    expect(isYamlTooDeep(text)).toBe(true)
  })

  it.each([
    ['64 lists', `${'['.repeat(64)}${']'.repeat(64)}`],
    ['many lists side by side', `${'[[]], '.repeat(500)}`.replace(/^/, '[').replace(/, $/, ']')],
    ['brackets in quoted text', `a: "${'['.repeat(500)}"`],
    ['brackets in a block scalar', `a: |\n  ${'['.repeat(500)}`],
    ['a long list', '- a\n'.repeat(500)],
    ['many maps side by side', `${'a:\n  b:\n    c: 1\n'.repeat(1)}${Array.from({ length: 200 }, (_, n) => `k${n}:\n  x: 1`).join('\n')}`],
  ])('is taken when it is not: %s', (_case, text) => {
    expect(isYamlTooDeep(text)).toBe(false)
    expect(parse(text)).toBeDefined()
  })
})
