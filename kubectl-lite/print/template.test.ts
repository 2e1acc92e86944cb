import { describe, expect, it } from 'vitest'
import { UsageError } from '../cli/exit-code.js'
import { compileTemplate } from './template.js'

const list = {
  items: [
    { metadata: { name: 'a', labels: { 'x/y': '1' } }, status: { exitCode: 0, conditions: [{ type: 'Ready', status: 'True' }] } },
    { metadata: { name: 'b' }, status: { exitCode: 9007199254740993n, conditions: [{ type: 'Ready', status: 'False' }] } },
  ],
}

describe('compileTemplate', () => {
  it.each([
    ['{.items[*].metadata.name}', 'a b'],
    ['.items[0].metadata.name', 'a'],
    ['{range .items[*]}{.metadata.name}={.status.exitCode}{"\\n"}{end}', 'a=0\nb=9007199254740993\n'],
    ['{.items[?(@.metadata.name=="b")].status.conditions[0].status}', 'False'],
    ['name: {.items[0].metadata.name}!', 'name: a!'],
    ['{range .items[*]}{$.items[0].metadata.name}{.metadata.name} {end}', 'aa ab '],
    ['{.items[0].metadata.labels}', '{"x/y":"1"}'],
    ['{.items[0].absent}', ''],
    ['{"}"}', '}'],
  ])('%s prints %j', (source, printed) => {
    expect(compileTemplate(source)(list)).toBe(printed)
  })

  it.each(['{.items', '{range .items[*]}{.name}', '{.name}{end}', '{.items[}'])('refuses %s', (source) => {
    expect(() => compileTemplate(source)).toThrow(UsageError)
  })
})
