/** `create controller`: what it writes, and what it refuses; that it works as written is shown by test/e2e/scaffold.test.ts. */
import { mkdir, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

const root = path.resolve(import.meta.dirname, '../..')

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(() => line[Symbol.asyncDispose]())

const textOf = (file: string) => readFile(path.join(line.home, file), 'utf8')
const packageOf = async (folder: string) => JSON.parse(await textOf(`${folder}/package.json`))

describe('create controller', () => {
  it('writes a project and says how it goes on', async () => {
    expect(await line.run('create controller my-pool')).toEqual({
      code: 0,
      out: 'controller/my-pool created in my-pool\n',
      err: 'Next: cd my-pool && npm install && npm test; README.md says how it goes on.\n',
    })
    const files = ['.gitignore', 'README.md', 'controller.test.ts', 'controller.ts', 'manifest.yaml', 'package.json', 'tsconfig.json']
    expect((await readdir(path.join(line.home, 'my-pool'))).sort()).toEqual(files)
    expect(await packageOf('my-pool')).toMatchObject({ name: 'my-pool', private: true, dependencies: { millrace: `file:${root}` } })
  })

  it('asks for the tools in the versions that Millrace itself is built with', async () => {
    const { devDependencies } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'))
    const asked = Object.entries((await packageOf('my-pool')).devDependencies as Record<string, string>)
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter(([name, version]) => devDependencies[name] !== version)).toEqual([])
  })

  it('has the names everywhere, and none of the template', async () => {
    expect((await line.run('create controller policy --kind RetryPolicy --group net.shop.org --directory deep/er')).code).toBe(0)
    const folder = path.join(line.home, 'deep/er')
    const texts = await Promise.all((await readdir(folder)).map((file) => readFile(path.join(folder, file), 'utf8')))
    expect(texts.join('\n')).not.toMatch(/my-?pool|example\.com/i)
    expect(await textOf('deep/er/controller.ts')).toContain(
      "group: 'net.shop.org',\n  version: 'v1',\n  kind: 'RetryPolicy',\n  plural: 'retrypolicies',",
    )
    expect(parseYaml(await textOf('deep/er/manifest.yaml'))).toMatchObject({
      apiVersion: 'net.shop.org/v1',
      kind: 'RetryPolicy',
      metadata: { name: 'policy' },
    })
  })

  it('writes plain JavaScript with --javascript, which needs Millrace alone', async () => {
    expect((await line.run('create controller plain --javascript')).code).toBe(0)
    const files = ['.gitignore', 'README.md', 'controller.js', 'controller.test.js', 'manifest.yaml', 'package.json']
    expect((await readdir(path.join(line.home, 'plain'))).sort()).toEqual(files)
    expect(Object.keys(await packageOf('plain'))).not.toContain('devDependencies')
    expect(await textOf('plain/README.md')).not.toMatch(/\.ts\b|types/)
  })

  it('quotes what a reader of YAML would take for something else than a text', async () => {
    expect((await line.run('create controller on --directory quoted')).code).toBe(0)
    const manifest = parseYaml(await textOf('quoted/manifest.yaml'), { version: '1.1' })
    expect(manifest).toMatchObject({ kind: 'On', metadata: { name: 'on' } })
  })

  it.each([
    ['1.2.3', '1.2.3'],
    ['^1.2.3', '^1.2.3'],
    ['some.tgz', 'file:HOME/some.tgz'],
    ['./some.tgz', 'file:HOME/some.tgz'],
  ])('--millrace %s is the dependency %s', async (given, dependency) => {
    await line.write('some.tgz', '')
    const folder = `of-${given.replaceAll(/\W/g, '-')}`
    expect((await line.run(`create controller pool --directory ${folder} --millrace ${given}`)).code).toBe(0)
    expect((await packageOf(folder)).dependencies).toEqual({ millrace: dependency.replace('HOME', line.home) })
  })

  it('takes a directory that is there and empty, and overwrites none that is not', async () => {
    await mkdir(path.join(line.home, 'empty'))
    expect((await line.run('create controller pool --directory empty')).code).toBe(0)
    const before = await textOf('empty/controller.ts')
    const again = await line.run('create controller other --directory empty')
    expect([again.code, again.err]).toEqual([4, expect.stringContaining('is not empty (.gitignore, README.md, controller.test.ts, …)')])
    expect(await textOf('empty/controller.ts')).toBe(before)
  })

  it.each([
    ['create controller', 2, "missing required argument 'name'"],
    ['create controller Pool', 2, 'lower-case'],
    ['create controller pool --directory kubeconfig', 4, 'kubeconfig is a file'],
    ['create controller pool --directory kubeconfig/pool', 4, 'is a file'],
    ['create controller pool --millrace absent.tgz', 2, 'there is no such file'],
    ['create controller pool --dry-run', 2, 'neither --dry-run nor --output'],
    [`create controller pool --directory ${root}/pool`, 2, 'outside of Millrace'],
    [`create controller pool --directory ${root}`, 2, 'outside of Millrace'],
    ['create controller pool -o yaml', 2, 'neither --dry-run nor --output'],
  ])('%s says what is wrong, and writes nothing', async (text, code, words) => {
    const result = await line.run(text)
    expect([result.code, result.err]).toEqual([code, expect.stringContaining(words)])
    expect(await readdir(line.home)).not.toContain('pool')
  })
})
