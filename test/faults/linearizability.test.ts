/** The checker itself: what must be found legal, and what must not. */
import { describe, expect, it } from 'vitest'
import { type Action, type Answer, isLinearizable, type Operation } from './linearizability.js'

const create = (write: string): Action => ({ type: 'create', write })
const update = (write: string, expected?: string): Action => ({ type: 'update', write, expected })
const patch = (write: string): Action => ({ type: 'patch', write })
const remove: Action = { type: 'delete' }
const read: Action = { type: 'read' }
const saw = (write?: string, patched?: string): Answer => ({ read: write === undefined ? undefined : { write, patch: patched } })

type Row = readonly [callMs: number, returnMs: number, action: Action, answer: Answer]
const history = (rows: readonly Row[]): Operation[] =>
  rows.map(([callMs, returnMs, action, answer]) => ({ callMs, returnMs, action, answer }))
const never = Number.POSITIVE_INFINITY

describe('a legal history', () => {
  it.each<[string, readonly Row[]]>([
    ['without operations', []],
    [
      'of one after the other',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, read, saw('a')],
        [4, 5, remove, 'done'],
        [6, 7, read, saw()],
      ],
    ],
    [
      'of two creations at once, one of which finds the other',
      [
        [0, 9, create('a'), 'exists'],
        [1, 8, create('b'), 'done'],
        [10, 11, read, saw('b')],
      ],
    ],
    [
      'whose reads see a write before it has returned',
      [
        [0, 1, create('a'), 'done'],
        [2, 9, update('b'), 'done'],
        [3, 4, read, saw('b')],
        [5, 6, read, saw('b')],
      ],
    ],
    [
      'whose reads see a write after it has begun only',
      [
        [0, 1, create('a'), 'done'],
        [2, 9, update('b'), 'done'],
        [3, 4, read, saw('a')],
        [5, 6, read, saw('b')],
      ],
    ],
    [
      'of guarded writes, the second of which is refused',
      [
        [0, 1, create('a'), 'done'],
        [2, 5, update('b', 'a'), 'done'],
        [3, 6, update('c', 'a'), 'conflict'],
        [7, 8, read, saw('b')],
      ],
    ],
    [
      'with a patch that a full write takes away',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, patch('b'), 'done'],
        [4, 5, read, saw('b', 'b')],
        [6, 7, update('c'), 'done'],
        [8, 9, read, saw('c')],
      ],
    ],
    [
      'with an unanswered write that happened late',
      [
        [0, 1, create('a'), 'done'],
        [2, never, update('b'), 'unknown'],
        [3, 4, read, saw('a')],
        [5, 6, read, saw('b')],
      ],
    ],
    [
      'with an unanswered write that never happened',
      [
        [0, 1, create('a'), 'done'],
        [2, never, update('b'), 'unknown'],
        [3, 4, read, saw('a')],
      ],
    ],
    [
      'with an unanswered deletion before a creation',
      [
        [0, 1, create('a'), 'done'],
        [2, never, remove, 'unknown'],
        [3, 4, create('b'), 'done'],
        [5, 6, read, saw('b')],
      ],
    ],
  ])('%s', (_name, rows) => {
    expect(isLinearizable(history(rows))).toBe(true)
  })
})

describe('an illegal history', () => {
  it.each<[string, readonly Row[]]>([
    [
      'with a stale read',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, update('b'), 'done'],
        [4, 5, read, saw('a')],
      ],
    ],
    [
      'with a lost creation',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, read, saw()],
      ],
    ],
    [
      'with a lost update',
      [
        [0, 1, create('a'), 'done'],
        [2, 5, update('b', 'a'), 'done'],
        [3, 6, update('c', 'a'), 'done'],
      ],
    ],
    [
      'with two creations that both succeed',
      [
        [0, 5, create('a'), 'done'],
        [1, 6, create('b'), 'done'],
      ],
    ],
    [
      'with a read of what nobody wrote',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, read, saw('z')],
      ],
    ],
    [
      'with a read of what was refused',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, update('c', 'b'), 'conflict'],
        [4, 5, read, saw('c')],
      ],
    ],
    [
      'with a deletion that comes back',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, remove, 'done'],
        [4, 5, read, saw('a')],
      ],
    ],
    [
      'with two deletions of one creation',
      [
        [0, 1, create('a'), 'done'],
        [2, 5, remove, 'done'],
        [3, 6, remove, 'done'],
      ],
    ],
    [
      'with reads that go back',
      [
        [0, 1, create('a'), 'done'],
        [2, 9, update('b'), 'done'],
        [3, 4, read, saw('b')],
        [5, 6, read, saw('a')],
      ],
    ],
    [
      'with reads that go back over an unanswered write',
      [
        [0, 1, create('a'), 'done'],
        [2, never, update('b'), 'unknown'],
        [3, 4, read, saw('b')],
        [5, 6, read, saw('a')],
      ],
    ],
    [
      'with an unanswered write that happened before it began',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, read, saw('b')],
        [4, never, update('b'), 'unknown'],
      ],
    ],
    [
      'with a conflict that nobody caused',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, update('b', 'a'), 'conflict'],
      ],
    ],
    [
      'with an absence that nobody caused',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, patch('b'), 'absent'],
      ],
    ],
    [
      'with a patch that is half gone',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, patch('b'), 'done'],
        [4, 5, read, saw('b')],
      ],
    ],
    [
      'with a patch that a full write left',
      [
        [0, 1, create('a'), 'done'],
        [2, 3, patch('b'), 'done'],
        [4, 5, update('c'), 'done'],
        [6, 7, read, saw('c', 'b')],
      ],
    ],
    [
      'that cannot be put right by an unanswered write of another version',
      [
        [0, 1, create('a'), 'done'],
        [2, never, update('b', 'z'), 'unknown'],
        [3, 4, read, saw('b')],
      ],
    ],
  ])('%s', (_name, rows) => {
    expect(isLinearizable(history(rows))).toBe(false)
  })
})
