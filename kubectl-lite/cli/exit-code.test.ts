import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ApiError, type ErrorReason, errorReasons, waitingToStart } from '../../lib/api/api-error.js'
import { ConnectionError } from '../../lib/client/client.js'
import { ExitError, exitCodes, exitOf, UsageError } from './exit-code.js'

describe('exit codes', () => {
  it('are those that docs/exit-codes.md shows', () => {
    const page = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8')
    const section = page.slice(page.indexOf('## kubectl-lite'), page.indexOf('## npm run'))
    const shown = [...section.matchAll(/^\| (\d+) \| `(\w+)` \| (.+) \|$/gm)].map(([, code, name, meaning]) => ({
      code: Number(code),
      name,
      meaning,
    }))
    expect(shown).toEqual(Object.entries(exitCodes).map(([name, { code, meaning }]) => ({ code, name, meaning })))
  })

  it.each<[ErrorReason, string]>([
    ['NotFound', 'notFound'],
    ['AlreadyExists', 'conflict'],
    ['Conflict', 'conflict'],
    ['Unauthorized', 'denied'],
    ['Forbidden', 'denied'],
    ['Invalid', 'invalid'],
    ['BadRequest', 'invalid'],
    ['UnsupportedMediaType', 'invalid'],
    ['Timeout', 'timedOut'],
    ['InternalError', 'failed'],
  ])('say of %s: %s', (reason, exit) => {
    expect(exitOf(new ApiError(reason, 'x'))).toBe(exit)
  })

  it('are known for every reason of the server', () => {
    for (const reason of Object.keys(errorReasons) as ErrorReason[])
      expect(exitCodes[exitOf(new ApiError(reason, 'x'))].code).toBeGreaterThan(0)
  })

  it('tell wrong command lines, silence and everything else apart', () => {
    expect(exitOf(new UsageError('x'))).toBe('usage')
    expect(exitOf(new ConnectionError('x'))).toBe('noAnswer')
    expect(exitOf(new ExitError('timedOut'))).toBe('timedOut')
    expect(exitOf(waitingToStart('not yet'))).toBe('failed')
    expect(exitOf(new Error('x'))).toBe('failed')
  })
})
