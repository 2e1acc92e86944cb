import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(async () => await line[Symbol.asyncDispose]())

const map = (name: string, data: Record<string, string>) =>
  JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data })

describe('apply', () => {
  it('creates, then changes, then finds nothing to do', async () => {
    const apply = async (data: Record<string, string>) => await line.run('apply -f -', { input: map('cycle', data) })
    expect(await apply({ a: '1', b: '1' })).toEqual({ code: 0, out: 'configmap/cycle created\n', err: '' })
    expect(await apply({ a: '2' })).toEqual({ code: 0, out: 'configmap/cycle configured\n', err: '' })
    expect(await apply({ a: '2' })).toEqual({ code: 0, out: 'configmap/cycle unchanged\n', err: '' })
    expect((await line.run("get configmap cycle -o jsonpath='{.data}'")).out).toBe('{"a":"2"}')
  })

  it('finds nothing to do where the server has completed a list', async () => {
    const spec = { image: 'nginx', ports: [{ port: 80 }] }
    const input = JSON.stringify({ apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: { name: 'completed' }, spec })
    expect((await line.run('apply -f -', { input })).out).toBe('task.millrace.dev/completed created\n')
    expect((await line.run(['get', 'task', 'completed', '-o', 'jsonpath={.spec.ports[0].protocol}'])).out).toBe('TCP')
    expect((await line.run('apply -f -', { input })).out).toBe('task.millrace.dev/completed unchanged\n')
  })

  it('keeps what somebody else has set', async () => {
    await line.run('apply -f -', { input: map('shared', { a: '1' }) })
    await line.run(['patch', 'configmap', 'shared', '-p', '{"data":{"other":"x"}}'])
    await line.run('apply -f -', { input: map('shared', { a: '2' }) })
    expect((await line.run("get configmap shared -o jsonpath='{.data}'")).out).toBe('{"a":"2","other":"x"}')
  })

  it('is told with whom it conflicts, and takes fields by force', async () => {
    await line.run('apply -f -', { input: map('contested', { a: '1' }) })
    await line.run(['patch', 'configmap', 'contested', '-p', '{"data":{"a":"2"}}'])
    const refused = await line.run('apply -f -', { input: map('contested', { a: '3' }) })
    expect(refused.err).toMatch(
      /^Error from server \(Conflict\): Apply failed with 1 conflict: conflict with "[\w-]+" using v1: \.data\.a\n.*take them over with --force-conflicts/,
    )
    expect(refused.code).toBe(4)
    expect((await line.run('diff -f -', { input: map('contested', { a: '3' }) })).code).toBe(4)
    expect((await line.run('diff -f - --force-conflicts', { input: map('contested', { a: '3' }) })).out).toMatch(/^\+ {2}a: "3"$/m)
    expect(await line.run('apply -f - --force-conflicts', { input: map('contested', { a: '3' }) })).toMatchObject({
      code: 0,
      out: 'configmap/contested configured\n',
    })
    expect((await line.run('apply -f - --field-manager=other', { input: map('contested', { a: '4' }) })).err).toContain(
      'conflict with "kubectl"',
    )
    expect((await line.run("get configmap contested -o jsonpath='{.data}'")).out).toBe('{"a":"3"}')
  })

  it('takes over from client-side apply, which may go on after it', async () => {
    const data = async () => (await line.run("get configmap migrated -o jsonpath='{.data}'")).out
    await line.run('apply --server-side=false -f -', { input: map('migrated', { a: '1', b: '1' }) })
    expect((await line.run('diff -f -', { input: map('migrated', { a: '2' }) })).out).toMatch(/^- {2}b: "1"$/m)
    expect((await line.run('apply -f -', { input: map('migrated', { a: '2' }) })).out).toBe('configmap/migrated configured\n')
    expect(await data()).toBe('{"a":"2"}')
    expect((await line.run('apply -f -', { input: map('migrated', { a: '2' }) })).out).toBe('configmap/migrated unchanged\n')
    const managers = "get configmap migrated --show-managed-fields -o jsonpath='{.metadata.managedFields[*].manager}'"
    expect((await line.run(managers)).out).toBe('kubectl kubectl-last-applied')
    expect((await line.run('apply --server-side=false -f -', { input: map('migrated', { c: '3' }) })).out).toBe(
      'configmap/migrated configured\n',
    )
    expect(await data()).toBe('{"c":"3"}')
  })

  it('takes many documents and goes on past one that fails', async () => {
    const input = `${map('one', {})}\n---\n{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"Not A Name"}}\n---\n${map('two', {})}`
    const { code, out, err } = await line.run('apply -f -', { input })
    expect(out).toBe('configmap/one created\nconfigmap/two created\n')
    expect(err).toContain('The ConfigMap "Not A Name" is invalid: metadata.name')
    expect(code).toBe(6)
  })

  it('names the field that was meant', async () => {
    const input =
      'apiVersion: millrace.dev/v1\nkind: Task\nmetadata: {name: typo}\nspec:\n  comand: [echo]\n  env:\n  - name: A\n    vlaue: x\n'
    const { code, err } = await line.run('apply -f -', { input })
    expect(err).toContain('.spec.comand: field not declared in schema')
    expect(err).toContain('"spec.comand": did you mean "command"?')
    expect(err).toContain('did you mean "value"?')
    expect(code).toBe(6)
  })

  it('names the kind that was meant', async () => {
    const { code, err } = await line.run('apply -f -', { input: 'apiVersion: millrace.dev/v1\nkind: Taks\nmetadata: {name: x}' })
    expect(err).toBe('error: no matches for kind "Taks" in version "millrace.dev/v1". Did you mean "Task"?\n')
    expect(code).toBe(2)
    const other = await line.run('apply -f -', { input: 'apiVersion: v1\nkind: Task\nmetadata: {name: x}' })
    expect(other.err).toContain('Did you mean apiVersion "millrace.dev/v1"?')
  })

  it('changes nothing with --dry-run', async () => {
    for (const where of ['client', 'server']) {
      const { out } = await line.run(`apply -f - --dry-run=${where}`, { input: map('dry', {}) })
      expect(out).toBe(`configmap/dry created (${where === 'server' ? 'server ' : ''}dry run)\n`)
      expect((await line.run('get configmap dry')).code).toBe(3)
    }
  })

  it('reads directories', async () => {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(`${line.home}/dir/below`, { recursive: true })
    await line.write('dir/b.yaml', map('dir-b', {}))
    await line.write('dir/a.json', map('dir-a', {}))
    await line.write('dir/below/c.yml', map('dir-c', {}))
    await line.write('dir/ignored.txt', 'not a manifest')
    expect((await line.run('apply -f dir')).out).toBe('configmap/dir-a created\nconfigmap/dir-b created\n')
    expect((await line.run('apply -f dir -R')).out).toBe('configmap/dir-a unchanged\nconfigmap/dir-b unchanged\nconfigmap/dir-c created\n')
  })

  it('names the file of a directory that cannot be read', async () => {
    const { mkdir } = await import('node:fs/promises')
    await mkdir(`${line.home}/broken`)
    await line.write('broken/good.yaml', map('good', {}))
    await line.write('broken/bad.yaml', 'kind: ConfigMap\nmetadata:\n\tname: x\n')
    const { code, err } = await line.run('apply -f broken')
    expect(err).toMatch(/^error: broken\/bad\.yaml cannot be read: .* at line 3, column 1\n$/)
    expect(code).toBe(6)
  })

  it.each([
    ['apply some.yaml', 2, '(Files are named with -f: kubectl-lite apply -f FILE)'],
    ['apply -f https://example.com/x.yaml', 2, 'curl -fsS https://example.com/x.yaml | kubectl-lite apply -f -'],
    ['create cronjob nightly --schedule=@daily', 2, 'error: create makes no "cronjob" of arguments. Did you mean "crontask"?\n'],
    ['create controler a', 2, 'error: create makes no "controler" of arguments. Did you mean "controller"?\n'],
    ['create crontask a --schedule=@daily --time-zone=UTC', 2, '(Did you mean --timezone?)'],
    ['create deployment web --image=a --image=b', 2, 'error: a Task is one container: --image takes one image, once\n'],
    ['apply', 2, 'name a file or directory with -f'],
    ['apply -f nowhere.yaml', 2, 'the path "nowhere.yaml" does not exist'],
    ['apply -f - --prune', 2, 'not supported yet'],
    ['apply -f - --server-side=false --force-conflicts', 2, 'only works with --server-side'],
    ['apply -f - --server-side --dry-run=client', 2, 'does not work with --server-side'],
  ])('%s ends with %i and says why', async (text, code, message) => {
    const result = await line.run(text)
    expect(result.err).toContain(message)
    expect(result).toMatchObject({ code, out: '' })
  })
})
