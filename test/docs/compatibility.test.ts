/**
 * The page about compatibility names tests that exist, and the table of resources is what
 * discovery says. Write it anew with `npx vitest run test/docs -u`.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { apiGroups, subresourceShapes } from '../../apiserver/http/discovery/api-groups.js'
import { builtinKinds } from '../../lib/api/kinds/index.js'

const root = path.resolve(import.meta.dirname, '../..')
const page = readFileSync(path.join(root, 'docs/kubernetes-compatibility.md'), 'utf8')

it('each row of the page names a test that there is', () => {
  const named = [...page.matchAll(/`([\w./-]+\.(?:test|contract)\.ts)`: ([^|`]+?)(?=; `| \|)/g)].map(([, file = '', title = '']) => ({
    file,
    title,
  }))
  expect(named.length).toBeGreaterThan(80)
  const missing = named.filter(
    ({ file, title }) => !existsSync(path.join(root, file)) || !readFileSync(path.join(root, file), 'utf8').includes(title),
  )
  expect(missing).toEqual([])
})

it('each resource, verb and subresource of discovery is in the table', async () => {
  const rows = apiGroups(builtinKinds).flatMap(({ versions }) => versions.flatMap(({ kinds }) => kinds.flatMap(rowsOf)))
  const text = `# Resources

What discovery names. A custom kind has all verbs, and the subresources that its definition gives it.

| resource | apiVersion | kind | scope | verbs |
|---|---|---|---|---|
${rows.join('\n')}
`
  await expect(text).toMatchFileSnapshot(path.join(root, 'docs/reference/resources.md'))
})

function rowsOf({ plural, apiVersion, kind, scope, verbs, subresources }: (typeof builtinKinds)[number]): string[] {
  const where = scope === 'Namespaced' ? 'namespace' : 'cluster'
  return [
    `| \`${plural}\` | ${apiVersion} | ${kind} | ${where} | ${[...verbs].sort().join(', ')} |`,
    ...subresources.map((part) => {
      const shape = subresourceShapes[part]
      return `| \`${plural}/${part}\` | ${apiVersion} | ${shape.kind?.kind ?? kind} | ${where} | ${[...shape.verbs].sort().join(', ')} |`
    }),
  ]
}
