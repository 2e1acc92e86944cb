/**
 * docs/guides/controllers.md shows the lessons as they are: code that follows a link
 * to a file is that file, and every command names what is there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const text = readFileSync(path.join(root, 'docs/guides/controllers.md'), 'utf8')
const shown = [...text.matchAll(/^\[(examples\/[^\]]+)\]\(\.\.\/\.\.\/\1\):\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
  ([, file = '', code = '']) => ({
    file,
    code,
  }),
)

describe('the guide to controllers', () => {
  it.each(shown)('shows $file as it is', ({ file, code }) => {
    expect(code).toBe(readFileSync(path.join(root, file), 'utf8'))
  })

  it('shows the controller of every lesson', () => {
    const lessons = readdirSync(path.join(root, 'examples')).filter((name) => /^\d\d-/.test(name))
    const controllers = lessons.flatMap((lesson) =>
      readdirSync(path.join(root, 'examples', lesson))
        .filter((name) => /^[a-z-]+\.[jt]s$/.test(name))
        .map((name) => `examples/${lesson}/${name}`),
    )
    expect(shown.map(({ file }) => file)).toEqual(expect.arrayContaining(controllers))
  })

  it('names only files that are there', () => {
    const named = [...text.matchAll(/\bexamples\/[\w./-]+\.(?:ts|js|yaml)\b/g)].map(([file]) => file)
    expect(named.filter((file) => !existsSync(path.join(root, file)))).toEqual([])
  })
})
