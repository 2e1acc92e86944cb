/**
 * What a program needs, from the program: its kinds, its rights, a kubeconfig; and the program
 * at work with it. The program and the commands are the guide's.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, commandLine } from '../../kubectl-lite/fixtures/command-line.js'
import { eventually } from '../../lib/testing/eventually.js'

const root = path.resolve(import.meta.dirname, '../..')
const guide = readFileSync(path.join(root, 'docs/guides/rights.md'), 'utf8')
/** The program of the guide, in a folder as a user has it. */
let pools: string
/** A folder without packages. */
let elsewhere: string

const loadsTypes = 'typescript' in process.features && Boolean(process.features.typescript)

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
  elsewhere = mkdtempSync(path.join(tmpdir(), 'elsewhere-'))
  mkdirSync(path.join(line.home, 'node_modules'))
  for (const [name, folder] of Object.entries({ millrace: root, tsx: path.join(root, 'node_modules/tsx') }))
    symlinkSync(folder, path.join(line.home, 'node_modules', name))
  await line.write('package.json', '{"type": "module"}')
  pools = await line.write('pools.ts', /```ts\n([\s\S]*?)```/.exec(guide)?.[1] ?? '')
  await out('create namespace ops')
})
afterAll(async () => {
  rmSync(elsewhere, { recursive: true })
  await line[Symbol.asyncDispose]()
})

/** A command of the guide. */
function shown(command: string): string {
  expect(guide).toMatch(new RegExp(`kubectl-lite ${command}\\s`))
  return command
}

async function out(text: string): Promise<string> {
  const { code, out: printed, err } = await line.run(text)
  expect({ text, code, err }).toEqual({ text, code: 0, err: '' })
  return printed
}

/** A program that prints this, whatever it is asked. */
const printing = (name: string, text: string) => line.write(name, `process.stdout.write(${JSON.stringify(text)})\n`)
const role = (kind: string, name: string, namespace: string, rules: string) =>
  `apiVersion: rbac.authorization.k8s.io/v1\nkind: ${kind}\nmetadata: {name: '${name}'${namespace ? `, namespace: ${namespace}` : ''}}\nrules: ${rules}\n---\n`
const readTasks = '[{apiGroups: [millrace.dev], resources: [tasks], verbs: [get]}]'
const names = async (what: string) => (await out(`get ${what} -A -o name`)).split('\n').filter((name) => name.includes('keeper'))

describe('create customresourcedefinition', () => {
  it('--for FILE brings the kinds of a program, and nothing the second time', async () => {
    const name = 'customresourcedefinition.apiextensions.k8s.io/warmpools.rights.example.com'
    expect(await out('create crd --for pools.ts --dry-run=client')).toBe(`${name} created (dry run)\n`)
    expect(await out('create crd --for pools.ts --dry-run=client -o yaml')).toContain('plural: warmpools')
    expect(await out(shown('create customresourcedefinition --for pools.ts'))).toBe(`${name} created\n`)
    expect(await out('create crd --for pools.ts')).toBe(`${name} unchanged\n`)
    expect((await line.run('get warmpools -A')).err).toBe('No resources found\n')
  })
})

describe('create serviceaccount', () => {
  it('--for FILE makes account, roles, bindings and kubeconfig, and the program does its work with them', async () => {
    expect(await out(`${shown('create serviceaccount pools --for pools.ts -n ops')} --duration 20m`)).toMatch(
      new RegExp(
        [
          'serviceaccount/pools created',
          'clusterrole.rbac.authorization.k8s.io/ops:pools created',
          'clusterrolebinding.rbac.authorization.k8s.io/ops:pools created',
          'role.rbac.authorization.k8s.io/pools created',
          'rolebinding.rbac.authorization.k8s.io/pools created',
          'pools.kubeconfig written; its token is good until 2026-01-01T00:20:00Z, and the program renews it\n',
        ].join('\n'),
      ),
    )
    const file = path.join(line.home, 'pools.kubeconfig')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(await out(`auth whoami --kubeconfig ${file}`)).toContain('system:serviceaccount:ops:pools')
    expect(await line.run(`get secrets -A --kubeconfig ${file}`)).toMatchObject({ code: 5 })

    const before = readFileSync(file, 'utf8')
    const args = ['--import', 'tsx', pools, '--kubeconfig', file, '--log-level', 'trace']
    const program = spawn(process.execPath, args, { cwd: line.home, stdio: ['ignore', 'ignore', 'pipe'] })
    let said = ''
    program.stderr.setEncoding('utf8').on('data', (text: string) => (said += text))
    const ended = new Promise<number | null>((resolve) => program.once('close', resolve))
    try {
      await line.run('apply -f -', { input: 'apiVersion: rights.example.com/v1\nkind: WarmPool\nmetadata: {name: a}\nspec: {size: 2}\n' })
      await out('wait warmpool/a --for condition=Ready --timeout 60s')
      expect((await out('get tasks -o name')).split('\n').sort()).toEqual(['', 'task.millrace.dev/a-0', 'task.millrace.dev/a-1'])
      // By its clock, which is not the cluster's, the token is old.
      await eventually(() => readFileSync(file, 'utf8') !== before)
      expect(said).not.toMatch(/Forbidden|forbidden/)
      for (const text of [before, readFileSync(file, 'utf8')]) expect(said).not.toContain(/token: (\S+)/.exec(text)?.[1] ?? '?')
    } finally {
      program.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
  })

  it('given again changes nothing but the token, and takes away what the program does not need any more', async () => {
    const both = await printing('a.js', role('ClusterRole', 'ops:keeper', '', readTasks) + role('Role', 'keeper', 'ops', readTasks))
    await out(`create sa keeper --for ${both} -n ops`)
    const again = await out(`create sa keeper --for ${both} -n ops`)
    expect(again.match(/unchanged/g)).toHaveLength(5)
    expect(await names('clusterroles,clusterrolebindings,roles,rolebindings')).toHaveLength(4)
    const fewer = await printing('b.js', role('Role', 'keeper', 'ops', '[{apiGroups: [""], resources: [secrets], verbs: [get]}]'))
    const { code, out: printed, err } = await line.run(`create sa keeper --for ${fewer} -n ops`)
    expect(code).toBe(0)
    expect(printed).toContain('role.rbac.authorization.k8s.io/keeper configured\n')
    expect(err).toBe(
      'clusterrolebinding.rbac.authorization.k8s.io/ops:keeper deleted: it is not needed any more\n' +
        'clusterrole.rbac.authorization.k8s.io/ops:keeper deleted: it is not needed any more\n',
    )
    expect(await names('clusterroles,clusterrolebindings,roles,rolebindings')).toHaveLength(2)
  })

  it('with -o prints the objects, and writes a kubeconfig only where one is named', async () => {
    const program = await printing('c.js', role('Role', 'keeper', 'ops', readTasks))
    const list = JSON.parse(await out(`create sa other --for ${program} -n ops -o json --dry-run=client`))
    expect(list.items.map(({ kind }: { kind: string }) => kind)).toEqual(['ServiceAccount', 'Role', 'RoleBinding'])
    await out(`create sa other --for ${program} -n ops -o name --kubeconfig-out named`)
    expect(() => statSync(path.join(line.home, 'other.kubeconfig'))).toThrow()
    expect(statSync(path.join(line.home, 'named')).isFile()).toBe(true)
  })

  it('refuses in words to give away what one lacks, and to take over what is another’s', async () => {
    const program = await printing('d.js', role('Role', 'big', 'ops', '[{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]'))
    await out('create rolebinding landlord --clusterrole admin --user landlord -n ops')
    const refused = await line.run(`create sa big --for ${program} -n ops --as landlord`)
    expect([refused.code, refused.err]).toEqual([5, expect.stringMatching(/not currently held[\s\S]*let somebody who has them all/)])
    expect(() => statSync(path.join(line.home, 'big.kubeconfig'))).toThrow()

    const manifest = role('Role', 'theirs', 'ops', readTasks).replace('---\n', '')
    await line.run('apply -f - --field-manager somebody', { input: manifest })
    const other = await printing('e.js', role('Role', 'theirs', 'ops', '[{apiGroups: [""], resources: [nodes], verbs: [get]}]'))
    const clash = await line.run(`create sa theirs --for ${other} -n ops`)
    expect([clash.code, clash.err]).toEqual([4, expect.stringMatching(/"somebody"[\s\S]*The Role theirs is somebody else's/)])
  })

  it.each([
    ['create sa x --for absent.js', 2, 'does not exist'],
    ['create sa x --for program.py', 2, 'a .ts or .js file'],
    ['create sa x --for ELSEWHERE/typed.ts', 2, loadsTypes ? 'printed no rights' : 'npm install --save-dev tsx'],
    ['create sa x --for silent.js', 2, 'printed no rights: does it end in run(…)?'],
    ['create sa x --for task.js', 6, 'printed a Task'],
    ['create sa x --for broken.js', 1, 'broken.js ended with code 3:\nno such wheel'],
    ['create sa x --for chatty.js', 6, 'what chatty.js --print-rights printed'],
    ['create sa x --for good.js --kubeconfig-out kubeconfig', 2, 'exists and is not the kubeconfig of default:x'],
    ['create sa x --duration 20m', 2, 'go with --for'],
    ['create crd --for silent.js', 1, 'has no kinds of its own'],
    ['create crd --for task.js', 6, 'printed a Task'],
    ['create crd', 2, '--for'],
  ])('%s says what is wrong', async (text, code, words) => {
    await line.write('program.py', '')
    writeFileSync(path.join(elsewhere, 'typed.ts'), 'const a: number = 1')
    await line.write('silent.js', '')
    await line.write('broken.js', 'process.stderr.write("no such wheel\\n"); process.exit(3)')
    await printing('task.js', 'apiVersion: millrace.dev/v1\nkind: Task\nmetadata: {name: a}\n')
    await printing('chatty.js', 'hello')
    await printing('good.js', role('Role', 'x', 'default', readTasks))
    const result = await line.run(text.replace('ELSEWHERE', elsewhere))
    expect([result.code, result.err]).toEqual([code, expect.stringContaining(words)])
  })
})
