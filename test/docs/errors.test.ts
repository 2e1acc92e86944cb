/** docs/errors.md lists every error reason that the code has, with its code, and no other. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { errorReasons } from '../../lib/api/api-error.js'

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/errors.md'), 'utf8')

it('lists each reason once, with its HTTP code and whether a retry may help', () => {
  const rows = [...page.matchAll(/^\| `(\w+)` \| (\d{3}) \| (yes|no) \|/gm)].map(([, reason, code, retry]) => `${reason} ${code} ${retry}`)
  expect(rows.sort()).toEqual(
    Object.entries(errorReasons)
      .map(([reason, entry]) => `${reason} ${entry.code} ${entry.retryable ? 'yes' : 'no'}`)
      .sort(),
  )
})
