import { describe, expect, it } from 'vitest'
import { compileJsonPath } from './json-path.js'

const object = {
  metadata: { name: 'x', labels: { 'a.b/c': '1' } },
  status: {
    conditions: [
      { type: 'Ready', status: 'True', n: 3 },
      { type: 'Done', status: 'False', n: 7 },
    ],
  },
  list: [10, 20, 30, 40],
}

describe('a JSONPath', () => {
  it.each([
    ['.metadata.name', ['x']],
    ['metadata.name', ['x']],
    ['{.metadata.name}', ['x']],
    ['$.metadata.name', ['x']],
    ["['metadata']['name']", ['x']],
    ["['metadata','nope'].name", ['x']],
    ['.metadata.labels.a\\.b/c', ['1']],
    ["['metadata'].labels['a.b/c']", ['1']],
    ['.nope.name', []],
    ['.list[0]', [10]],
    ['.list[-1]', [40]],
    ['.list[-1:]', [40]],
    ['.list[1:3]', [20, 30]],
    ['.list[0,2]', [10, 30]],
    ['.list[::2]', [10, 30]],
    ['.list[9]', []],
    ['.list[*]', [10, 20, 30, 40]],
    ['.metadata.labels.*', ['1']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type=='Nope')].status", []],
    ['.status.conditions[?(@.n>3)].type', ['Done']],
    ['.status.conditions[?(@.n)].type', ['Ready', 'Done']],
    ['..type', ['Ready', 'Done']],
    ['.', [object]],
    ['', [object]],
    ['.constructor', []],
    ['.status.conditions[?(@.type!="Ready")].n', [7]],
  ])('%s', (path, expected) => expect(compileJsonPath(path)(object)).toEqual(expected))

  it.each(['.a[', '.a[x]', '.a..', '.a[?(@.x==y)]', '.a]b['])('refuses %s', (path) =>
    expect(() => compileJsonPath(path)).toThrow(SyntaxError),
  )
})
