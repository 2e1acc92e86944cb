import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { unifiedDiff } from './unified-diff.js'

const folder = mkdtempSync(path.join(tmpdir(), 'millrace-diff-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('unifiedDiff', () => {
  it('is empty for equal texts', () => {
    expect(unifiedDiff('a\nb\n', 'a\nb\n', 'x', 'y')).toBe('')
  })

  it('shows a change with three lines around it', () => {
    const lines = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
    const changed = lines.with(4, 'five')
    expect(unifiedDiff(`${lines.join('\n')}\n`, `${changed.join('\n')}\n`, 'old', 'new')).toBe(
      '--- old\n+++ new\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
    )
  })

  it('makes patches that patch(1) turns one text into the other with', () => {
    const text = fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 30 }).map((lines) => `${lines.join('\n')}\n`)
    fc.assert(
      fc.property(text, text, (from, to) => {
        if (from === to) return
        const file = path.join(folder, 'file')
        writeFileSync(file, from)
        writeFileSync(`${file}.patch`, unifiedDiff(from, to, 'file', 'file'))
        execFileSync('git', ['apply', '--unidiff-zero', '--whitespace=nowarn', '-p0', 'file.patch'], { cwd: folder })
        expect(execFileSync('cat', [file], { encoding: 'utf8' })).toBe(to)
      }),
      { numRuns: 30 },
    )
  })
})
