/** The commands that explain: describe, why, history, explain, diff, api-resources, version, completion. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commandTable } from '../cli/command-table.js'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
const secret = 'the canary value'
beforeAll(async () => {
  line = await commandLine()
  await line.run('label namespace default millrace.dev/security=privileged')
  const input = [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: secret } },
    { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } },
    {
      apiVersion: 'millrace.dev/v1',
      kind: 'Task',
      metadata: { name: 't' },
      spec: { command: ['echo', 'two words'], env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 's', key: 'key' } } }] },
    },
  ]
  expect(await line.run('apply -f -', { input: input.map((each) => JSON.stringify(each)).join('\n---\n') })).toMatchObject({
    code: 0,
    err: '',
  })
})
afterAll(async () => await line[Symbol.asyncDispose]())

describe('describe', () => {
  it('tells of a Task what was asked for, what is, why, and what happened', async () => {
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: {
        kind: 'Task',
        namespace: 'default',
        name: 't',
        uid: (await line.run(['get', 'task', 't', '-o', 'jsonpath={.metadata.uid}'])).out,
      },
      type: 'Warning',
      reason: 'FailedScheduling',
      message: '0 of 1 node fits\u001b[31m',
      count: 3,
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
    }
    expect((await line.run('create -f -', { input: JSON.stringify(event) })).err).toBe('')
    const { code, out } = await line.run('describe task t')
    expect(code).toBe(0)
    expect(out).toMatch(/^Name: +t\nNamespace: +default\n/)
    expect(out).toMatch(/Command: +echo 'two words'\n/)
    expect(out).toMatch(/Environment: +K: <key key of secret s>\n/)
    expect(out).toMatch(/\nDesired: +\S/)
    expect(out).toMatch(/Warning +FailedScheduling +.*\(x3 over .*0 of 1 node fits\^\[\[31m\n/)
  })

  it('shows nodes, and any other kind', async () => {
    expect((await line.run('describe node n1')).out).toMatch(/Unschedulable: +false\nTaints: +<none>\n[\s\S]*Tasks: +<none>\n/)
    expect((await line.run('describe node n1')).out).not.toMatch(/^\S+: *$\n(?! )/m)
    expect((await line.run('describe nodes')).out).toMatch(/^Name: +n1\n/)
    expect((await line.run('describe namespace default')).out).toMatch(/^Name: +default\nKind: +Namespace \(v1\)\n/)
    expect((await line.run('describe task absent')).code).toBe(3)
  })

  it('never shows the value of a Secret', async () => {
    const { out } = await line.run('describe secret s')
    expect(out).toContain('key: 16 bytes')
    const all = await Promise.all(
      ['describe secret s', 'describe task t', 'history secret/s', 'why secret/s'].map(async (text) => await line.run(text)),
    )
    for (const result of all) {
      expect(result.code).toBe(0)
      for (const form of [secret, Buffer.from(secret).toString('base64')]) expect(result.out + result.err).not.toContain(form)
    }
  })
})

describe('why and history', () => {
  it('say what stands between desired and actual', async () => {
    const { code, out } = await line.run('why task/t')
    expect(code).toBe(0)
    expect(out).toMatch(/^Desired: .+\nActual: .+\nBecause:/)
    expect(JSON.parse((await line.run('why task/t -o json')).out)).toMatchObject({ kind: 'Task', name: 't', reasons: expect.any(Array) })
    const absent = await line.run('why task/absent')
    expect(absent).toEqual({ code: 3, out: '', err: 'Error from server (NotFound): tasks.millrace.dev "absent" not found\n' })
  })

  it('tell what happened within one second in its order', async () => {
    const uid = (await line.run(['get', 'task', 't', '-o', 'jsonpath={.metadata.uid}'])).out
    for (const [name, message] of [
      ['z', 'first'],
      ['a', 'second'],
    ])
      await line.run('create -f -', {
        input: JSON.stringify({
          apiVersion: 'v1',
          kind: 'Event',
          metadata: { name },
          involvedObject: { kind: 'Task', namespace: 'default', name: 't', uid },
          reason: 'Counted',
          message,
          lastTimestamp: '2026-01-02T00:00:00Z',
        }),
      })
    expect((await line.run('why task/t')).out).toMatch(/Counted: first.*\n.*Counted: second/)
  })

  it('say who changed what', async () => {
    await line.run('label task t tier=test')
    const { out } = await line.run('history task/t')
    expect(out).toMatch(/^Window: complete/)
    expect(out).toMatch(/created by admin\n/)
    expect(out).toMatch(/changed by admin\n +metadata\.labels: set to \{"tier":"test"\}\n/)
  })
})

describe('explain', () => {
  it('describes kinds and fields', async () => {
    expect((await line.run('explain task')).out).toMatch(/^GROUP: +millrace\.dev\nKIND: +Task\nVERSION: +v1\n\nDESCRIPTION:\n {4}One run/)
    const field = (await line.run('explain tasks.spec.env')).out
    expect(field).toMatch(/FIELD: env <\[\]Object>/)
    expect(field).toMatch(/ {2}name\t<string> -required-\n/)
    expect((await line.run('explain task.spec --recursive')).out).toMatch(/ {2}env\t<\[\]Object>\n {4}name\t<string> -required-\n/)
    expect((await line.run('explain task.spec.volumes --recursive')).out).toMatch(/ {4}medium\t<string>\n {6}one of: "", "Memory"\n/)
  })

  it('says which field was perhaps meant', async () => {
    const { code, err } = await line.run('explain task.spec.comand')
    expect(err).toBe('error: field "comand" does not exist in task.spec. Did you mean "command"?\n')
    expect(code).toBe(2)
  })
})

describe('diff', () => {
  const map = (data: object) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'd' }, data })

  it('shows what apply would change, and changes nothing', async () => {
    const absent = await line.run('diff -f -', { input: map({ a: '1' }) })
    expect(absent.code).toBe(1)
    expect(absent.out).toMatch(/^--- live\/core\.v1\.ConfigMap\.default\.d\n\+\+\+ merged\/.*\n@@ -0,0 \+1,\d+ @@\n/)
    await line.run('apply -f -', { input: map({ a: '1' }) })
    expect(await line.run('diff -f -', { input: map({ a: '1' }) })).toEqual({ code: 0, out: '', err: '' })
    const changed = await line.run('diff -f -', { input: map({ a: '2' }) })
    expect(changed.code).toBe(1)
    expect(changed.out).toMatch(/\n- {2}a: '?1'?\n\+ {2}a: '?2'?\n|\n-.*"1".*\n\+.*"2"/)
    expect((await line.run("get configmap d -o jsonpath='{.data.a}'")).out).toBe('1')
  })

  it('shows the note of client-side apply only where it is all that changes', async () => {
    await line.run('create -f -', {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'noted' }, data: { a: '1' } }),
    })
    const noted = (data: object) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'noted' }, data })
    expect((await line.run('diff --server-side=false -f -', { input: noted({ a: '2' }) })).out).not.toContain('last-applied')
    const { code, out } = await line.run('diff --server-side=false -f -', { input: noted({ a: '1' }) })
    expect(out).toContain('last-applied')
    expect(code).toBe(1)
  })

  it('masks Secrets, and fails with a code of its own', async () => {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, stringData: { key: 'another canary' } })
    const { code, out } = await line.run('diff -f -', { input })
    expect(code).toBe(1)
    expect(out).toContain('*** (changed)')
    expect(out).not.toContain('canary')
    expect((await line.run('diff -f -', { input: '{"apiVersion":"v1","kind":"Nothing","metadata":{"name":"x"}}' })).code).toBe(2)
  })
})

describe('api-resources, version and completion', () => {
  it('list the kinds', async () => {
    const { out } = await line.run('api-resources --namespaced=true')
    expect(out).toMatch(/^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\n/)
    expect(out).toMatch(/\ntasks +tk +millrace\.dev\/v1 +true +Task\n/)
    expect((await line.run('api-resources -o name --api-group=millrace.dev')).out).toBe(
      ['crontasks', 'ipclaims', 'tasks', 'tunnels', 'vpses', 'vpssnapshots'].map((name) => `${name}.millrace.dev\n`).join(''),
    )
  })

  it('print the versions', async () => {
    expect((await line.run('version')).out).toMatch(/^Client Version: v\d+\.\d+\.\d+\nServer Version: v1\.\d+/)
    expect((await line.run('version --client -o json')).out).not.toContain('serverVersion')
  })

  it('print a script that bash understands and that completes', async () => {
    const { out } = await line.run('completion bash')
    const complete = (...words: string[]) =>
      execFileSync(
        'bash',
        [
          '-c',
          `${out}\nCOMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _kubectl_lite; echo "\${COMPREPLY[*]}"`,
        ],
        {
          encoding: 'utf8',
        },
      ).trim()
    expect(complete('kubectl-lite', 'des')).toBe('describe')
    expect(complete('kubectl-lite', 'get', '--sor')).toBe('--sort-by')
    expect(complete('kubectl-lite', 'config', 'use')).toBe('use-context')
    expect(complete('kubectl-lite', 'create', 'contr')).toBe('controller')
    expect(complete('kubectl-lite', 'rollout', 'und')).toBe('undo')
    expect(complete('kubectl-lite', 'create', 'controller', 'contr')).toBe('')
    expect(complete('kubectl-lite', 'create', 'controller', 'pool', '--java')).toBe('--javascript')
    for (const { name } of commandTable) expect(out).toContain(` ${name}) flags=`)
  })
})

describe('the help', () => {
  it('lists every command, and each has its own', async () => {
    const { out } = await line.run('--help')
    for (const { name, summary } of commandTable) {
      expect(out).toContain(name)
      expect(out).toContain(summary)
      const own = await line.run([name, '--help'])
      expect(own.code).toBe(0)
      expect(own.out).toContain(`Usage: kubectl-lite ${name}`)
    }
  })
})
