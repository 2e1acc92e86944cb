import { expect, it } from 'vitest'
import { createLogger } from './log.js'

function logged(err: unknown): Record<string, unknown> {
  const lines: string[] = []
  createLogger({ program: 'test', output: { write: (line) => void lines.push(line) } }).warn({ err }, 'failed')
  return (JSON.parse(lines.join('')) as { err: Record<string, unknown> }).err
}

it('says of an answer what it was, and nothing of where it was noticed', () => {
  const error = Object.assign(new Error('tasks "a" not found', { cause: new Error('why') }), {
    name: 'ApiError',
    reason: 'NotFound',
    code: 404,
  })
  expect(logged(error)).toEqual({ type: 'ApiError', reason: 'NotFound', code: 404, message: 'tasks "a" not found', cause: 'why' })
})

it('names the program once, so that an object keeps its name', () => {
  const lines: string[] = []
  createLogger({ program: 'test', output: { write: (line) => void lines.push(line) } })
    .child({ kind: 'Task', name: 'hello' })
    .info('seen')
  expect(lines.join('').match(/"name":/g)).toHaveLength(1)
  expect(JSON.parse(lines.join(''))).toMatchObject({ program: 'test', name: 'hello' })
})

it('says of a mistake in the code where it is', () => {
  expect(logged(new TypeError('x is not a function'))).toMatchObject({ type: 'TypeError', stack: expect.stringContaining('log.test.ts') })
})
