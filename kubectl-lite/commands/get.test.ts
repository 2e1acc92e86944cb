import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
const task = (name: string, namespace = 'default', labels = {}) =>
  JSON.stringify({ apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: { name, namespace, labels }, spec: { command: ['true'] } })

beforeAll(async () => {
  line = await commandLine()
  await line.run(['label', 'namespace', 'default', 'kube-public', 'millrace.dev/security=privileged'])
  const input = [task('a', 'default', { app: 'web' }), task('b'), task('c', 'kube-public')].join('\n---\n')
  expect((await line.run('create -f -', { input })).code).toBe(0)
})
afterAll(async () => await line[Symbol.asyncDispose]())

describe('get', () => {
  it("prints the server's table", async () => {
    const { code, out } = await line.run('get tasks')
    expect(code).toBe(0)
    expect(out).toMatch(/^NAME +PHASE +EXIT +RESTARTS +NODE +AGE\na +\S+.*\nb +\S+.*\n$/)
  })

  it.each(['tk', 'task', 'tasks.millrace.dev', 'Task', 'tasks.v1.millrace.dev'])('finds the kind by %s', async (word) => {
    expect((await line.run(`get ${word} -o name`)).out).toBe('task.millrace.dev/a\ntask.millrace.dev/b\n')
  })

  it('shows all namespaces, labels and further columns', async () => {
    expect((await line.run('get tasks -A')).out).toMatch(/^NAMESPACE +NAME/)
    expect((await line.run('get tasks -A')).out).toMatch(/kube-public +c /)
    expect((await line.run('get tasks --show-labels --no-headers')).out).toMatch(/^a .* app=web\nb .* <none>\n$/)
    expect((await line.run('get tasks -L app')).out).toMatch(/APP\na .* web\nb /)
    expect((await line.run('get tasks -o wide')).out).toContain('IMAGE')
  })

  it('shows Tasks as Pods too, as the server says', async () => {
    expect((await line.run('get pods')).out).toMatch(/^NAME +READY +STATUS +RESTARTS +AGE\na +0\/1 +Pending +0 .*\nb /)
    expect((await line.run('get po -l app=web -o name')).out).toBe('pod/a\n')
    expect((await line.run('get pod a -o jsonpath={.spec.containers[0].name}')).out).toBe('main')
    expect((await line.run('get all -o name')).out).not.toContain('pod/')
    const refused = await line.run('label pod a x=y')
    expect([refused.code, refused.err]).toEqual([1, expect.stringContaining('patch a Task (millrace.dev/v1) instead')])
  })

  it('selects by label and field', async () => {
    expect((await line.run('get tasks -l app=web -o name')).out).toBe('task.millrace.dev/a\n')
    expect((await line.run('get tasks --field-selector metadata.name!=a -o name')).out).toBe('task.millrace.dev/b\n')
    const none = await line.run('get tasks -l app=none')
    expect(none).toEqual({ code: 0, out: '', err: 'No resources found in default namespace.\n' })
  })

  it('orders by a path', async () => {
    expect((await line.run("get tasks -A --sort-by='{.metadata.namespace}' -o name")).out).toBe(
      'task.millrace.dev/a\ntask.millrace.dev/b\ntask.millrace.dev/c\n',
    )
    expect((await line.run('get tasks --sort-by=.metadata.labels.app --no-headers')).out).toMatch(/^b .*\na /)
  })

  it('prints objects in every format', async () => {
    expect(JSON.parse((await line.run('get task a -o json')).out)).toMatchObject({ kind: 'Task', metadata: { name: 'a' } })
    expect(JSON.parse((await line.run('get tasks -o json')).out)).toMatchObject({ kind: 'List', items: [{}, {}] })
    expect((await line.run('get task/a -o yaml')).out).toMatch(/^apiVersion: millrace.dev\/v1\nkind: Task\nmetadata:\n/)
    expect((await line.run(['get', 'tasks', '-o', 'jsonpath={range .items[*]}{.metadata.name};{end}'])).out).toBe('a;b;')
    expect((await line.run('get tasks -o custom-columns=NAME:.metadata.name,APP:.metadata.labels.app')).out).toBe(
      'NAME   APP\na      web\nb      <none>\n',
    )
  })

  it('shows several kinds and objects at once', async () => {
    const { out } = await line.run('get tasks,namespaces')
    expect(out).toMatch(/task\.millrace\.dev\/a /)
    expect(out).toMatch(/\n\nNAME +STATUS +AGE\nnamespace\/default /)
    expect((await line.run('get task/a ns/default -o name')).out).toBe('task.millrace.dev/a\nnamespace/default\n')
    expect((await line.run('get all -o name')).out).toBe('task.millrace.dev/a\ntask.millrace.dev/b\n')
  })

  it('shows what it found when something is missing', async () => {
    const { code, out, err } = await line.run('get task a absent')
    expect(out).toMatch(/\na /)
    expect(err).toBe('Error from server (NotFound): tasks.millrace.dev "absent" not found\n')
    expect(code).toBe(3)
    expect(await line.run('get task absent --ignore-not-found')).toEqual({ code: 0, out: '', err: '' })
  })

  it.each([
    ['get taskz', 2, 'Did you mean "tasks"?'],
    ['gte tasks', 2, 'Did you mean get?'],
    ['expose tasks', 2, '(kubectl-lite --help lists the commands)'],
    ['--version', 2, 'Did you mean kubectl-lite version?'],
    ['get zebra', 2, 'An object is named KIND/NAME, as task/zebra'],
    ['get tasks --outptu=json', 2, 'Did you mean --output?'],
    ['get tasks --namspace=shop', 2, "unknown option '--namspace=shop'\n(Did you mean --namespace?)\n"],
    ['get tasks -o jsno', 2, 'Did you mean "json"?'],
    ['get tasks -o jsonpath={.a', 2, 'no closing }'],
    ['get', 2, 'name a kind'],
    ['get task a -A', 2, 'across all namespaces'],
    ['get task/a b', 2, '"b" is not KIND/NAME'],
    ['get tasks --context nowhere', 2, 'nowhere'],
    ['get tasks -l =', 6, 'no valid label key'],
  ])('%s ends with %i and says %s', async (text, code, message) => {
    const result = await line.run(text)
    expect(result.err).toContain(message)
    expect(result).toMatchObject({ code, out: '' })
  })

  it('prints the answer to any path as it is', async () => {
    expect((await line.run('get --raw /readyz')).out).toBe('ok')
    expect((await line.run('get --raw /nowhere')).code).toBe(3)
  })

  it('shows changes until Ctrl-C', async () => {
    const ctrlC = new AbortController()
    let seen = ''
    const watch = line.run('get tasks -w -l live=yes --output-watch-events', { signal: ctrlC.signal, onOut: (text) => (seen = text) })
    await line.run('create -f -', { input: task('live', 'default', { live: 'yes' }) })
    await eventually(() => expect(seen).toMatch(/^EVENT +NAME.*\nADDED +live /))
    await line.run('annotate task live seen=1')
    await eventually(() => expect(seen).toMatch(/\nMODIFIED +live /))
    await line.run('delete task live')
    await eventually(() => expect(seen).toMatch(/\nDELETED +live /))
    ctrlC.abort()
    expect((await watch).code).toBe(130)
  })
})
