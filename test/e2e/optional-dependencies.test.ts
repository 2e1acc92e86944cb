/**
 * Whoever writes a controller needs no database, no Docker, no ssh, and nothing of
 * what we build with: what the package exports loads, and works.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const root = path.resolve(import.meta.dirname, '../..')
const { exports, optionalDependencies, peerDependencies, devDependencies } = JSON.parse(
  readFileSync(path.join(root, 'package.json'), 'utf8'),
) as Record<string, Record<string, string>>
const absent = [
  ...new Set(['pg', 'pg-hstore', 'ssh2', ...Object.keys({ ...optionalDependencies, ...peerDependencies, ...devDependencies })]),
]

/** Runs a module in a process that has none of these packages. */
function runWithout(packages: readonly string[], module: string): string {
  const names = JSON.stringify(packages)
  const hooks = `export async function resolve(specifier, context, next) {
    if (${names}.includes(specifier)) throw Object.assign(new Error('Cannot find package ' + specifier), { code: 'ERR_MODULE_NOT_FOUND' })
    return next(specifier, context)
  }`
  const setUp = `import { Module, register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(hooks)}))
    const resolve = Module._resolveFilename
    Module._resolveFilename = (request, ...rest) => {
      if (${names}.includes(request)) throw Object.assign(new Error('Cannot find module ' + request), { code: 'MODULE_NOT_FOUND' })
      return resolve(request, ...rest)
    }`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(setUp)}`, '--input-type=module', '--eval', module]
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}

it('the packages are absent there', () => {
  for (const name of ['sqlite3', 'dockerode', 'pg'])
    expect(() => runWithout(absent, `await import('${name}')`)).toThrow(new RegExp(`Cannot find (package|module) ${name}`))
})

it.each(Object.keys(exports ?? {}).map((name) => [name.replace('.', 'millrace')]))('%s loads without them', (name) => {
  expect(Number(runWithout(absent, `console.log(Object.keys(await import('${name}')).length)`))).toBeGreaterThan(3)
})

it('a controller runs in a test without them', () => {
  const printed = runWithout(
    absent,
    `import { ConfigMap, Secret } from 'millrace/api'
    import { controller } from 'millrace/controller'
    import { testCluster } from 'millrace/testing'
    const copy = controller({
      for: Secret,
      owns: [ConfigMap],
      reconcile: async ({ metadata }, ctx) => void (await ctx.apply(ConfigMap, { metadata: { name: metadata.name }, data: { of: metadata.uid } })),
    })
    const cluster = await testCluster({ controllers: [copy] })
    await cluster.client.of(Secret).create({ metadata: { name: 'one' } })
    await cluster.settle()
    console.log((await cluster.client.of(ConfigMap).list({ namespace: 'default' })).items.map(({ metadata }) => metadata.name).join())
    await cluster.close()`,
  )
  expect(printed).toBe('one\n')
})
