/** docs/reasons.md names every condition, condition reason, event reason and metric that the code has, and no other. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { builtinKinds } from '../../lib/api/kinds/index.js'
import { sessionReasons } from '../../lib/api/session-status.js'

const root = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(root, 'docs/reasons.md'), 'utf8')
const source = ['lib/api', 'lib/controller', 'apiserver', 'scheduler', 'controller-manager', 'nodeagent', 'gateway']
  .flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter(
        (entry) =>
          entry.isFile() &&
          /\.ts$/.test(entry.name) &&
          !/\.(test|contract)\.ts$/.test(entry.name) &&
          !/\/(fixtures|testing|test)$/.test(entry.parentPath),
      )
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), 'utf8')),
  )
  .join('\n')

/** The names in the first column of the table under a heading. */
function documented(heading: string): string[] {
  const section = page.split(/^## /m).find((part) => part.startsWith(heading))
  return [...(section ?? '').matchAll(/^\| `(\w+)` \|/gm)].map((match) => match[1] ?? '').sort()
}

const found = (pattern: RegExp) => [...new Set([...source.matchAll(pattern)].map((match) => match[1] ?? ''))].sort()

describe('docs/reasons.md', () => {
  it('names every event reason', () => {
    const literal = found(/'(?:Normal|Warning)',\s*'([A-Z]\w+)'/g)
    expect(literal.length).toBeGreaterThan(5)
    expect(documented('Event reasons')).toEqual(expect.arrayContaining(literal))
    expect(documented('Event reasons').filter((reason) => !source.includes(`'${reason}'`))).toEqual([])
  })

  it('names every reason of a condition', () => {
    const causes = new Set([
      'FieldManagerConflict',
      'NamespaceTerminating',
      'ResourceVersionTooLarge',
      'UnexpectedServerResponse',
      'WaitingToStart',
      'DisruptionBudget',
    ])
    const literal = found(/\breason: '([A-Z]\w+)'/g).filter((reason) => !reason.startsWith('FieldValue') && !causes.has(reason))
    const backend = [...(/readonly reason:\s*((?:\|?\s*'\w+'\s*)+)/.exec(source)?.[1] ?? '').matchAll(/'(\w+)'/g)].map(
      (match) => match[1] ?? '',
    )
    expect(documented('Condition reasons')).toEqual(expect.arrayContaining([...literal, ...backend]))
    expect(documented('Condition reasons').filter((reason) => !source.includes(`'${reason}'`))).toEqual([])
  })

  it('names every reason of a session that did not end well', () => {
    expect(documented('How a session ends')).toEqual([...sessionReasons].sort())
  })

  it('names every condition of every kind', () => {
    expect(documented('Conditions')).toEqual([...new Set(builtinKinds.flatMap((kind) => kind.conditions))].sort())
  })

  it('names every metric', () => {
    expect(documented('Metrics')).toEqual(found(/'(millrace_\w+)'/g))
  })
})
