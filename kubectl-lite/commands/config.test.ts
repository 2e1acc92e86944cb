import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommandLine, commandLine } from '../fixtures/command-line.js'

let line: CommandLine
beforeAll(async () => {
  line = await commandLine()
})
afterAll(async () => await line[Symbol.asyncDispose]())

const other = (server: string) =>
  JSON.stringify({
    'current-context': 'other',
    clusters: [{ name: 'other', cluster: { server } }],
    users: [{ name: 'other', user: { token: 'secret-token' } }],
    contexts: [{ name: 'other', context: { cluster: 'other', user: 'other' } }],
  })

describe('config', () => {
  it('shows what is in use, without keys', async () => {
    expect((await line.run('config current-context')).out).toBe('test\n')
    expect((await line.run('config get-contexts')).out).toMatch(/^CURRENT +NAME +CLUSTER +AUTHINFO +NAMESPACE\n\* +test +test +admin/)
    const { out } = await line.run('config view')
    expect(out).toContain('token: REDACTED')
    expect((await line.run('config view --raw')).out).not.toContain('REDACTED')
  })

  it('changes the file that is named', async () => {
    await line.write('two', other('http://127.0.0.1:1'))
    const env = { KUBECONFIG: `${line.home}/two` }
    expect((await line.run('config set-context --current --namespace=kube-system', { env })).out).toBe('Context "other" modified.\n')
    expect((await line.run('config get-contexts --no-headers', { env })).out).toMatch(/kube-system/)
    expect((await line.run('config set-context extra --cluster other --user other', { env })).out).toBe('Context "extra" created.\n')
    expect((await line.run('config use-context extra', { env })).out).toBe('Switched to context "extra".\n')
    const wrong = await line.run('config use-context extar', { env })
    expect(wrong.err).toContain('Did you mean "extra"?')
    expect(wrong.code).toBe(2)
  })

  it('writes ~/.kube/config by merge alone', async () => {
    const file = `${line.home}/.kube/config`
    const env = { KUBECONFIG: '' }
    await line.write('three', other('http://127.0.0.1:1'))
    expect((await line.run('config merge three', { env })).out).toBe(`Merged ${line.home}/three into ${file}.\n`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const before = readFileSync(file, 'utf8')
    for (const text of ['config use-context other', 'config set-context --current --namespace x']) {
      const { code, err } = await line.run(text, { env })
      expect(err).toContain('changed only by `config merge`')
      expect(code).toBe(2)
    }
    expect(readFileSync(file, 'utf8')).toBe(before)
    await line.write('four', other('http://127.0.0.1:2'))
    expect((await line.run('config merge four', { env })).err).toContain('--overwrite')
    expect((await line.run('config merge four --overwrite', { env })).code).toBe(0)
    expect(readFileSync(file, 'utf8')).toContain('127.0.0.1:2')
  })

  it('finds the default cluster without KUBECONFIG', async () => {
    const fresh = await commandLine()
    try {
      const folder = `${fresh.home}/.local/share/millrace/default`
      mkdirSync(folder, { recursive: true })
      await fresh.write('.local/share/millrace/default/admin.kubeconfig', readFileSync(`${fresh.home}/kubeconfig`, 'utf8'))
      expect((await fresh.run('get namespaces -o name', { env: { KUBECONFIG: '' } })).out).toContain('namespace/default')
      expect(existsSync(`${fresh.home}/.kube/config`)).toBe(false)
    } finally {
      await fresh[Symbol.asyncDispose]()
    }
  })

  it('says how to get a cluster when there is none', async () => {
    const { code, err } = await line.run('get tasks', { env: { KUBECONFIG: `${line.home}/nowhere` } })
    expect(err).toContain('nowhere')
    expect(code).toBe(2)
  })
})

describe('join-token', () => {
  it('stores a hash, and says the token once', async () => {
    const { code, out, err } = await line.run('join-token --node-name n7 --ttl 30m')
    expect(code).toBe(0)
    expect(out).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{32}\n$/)
    expect(err).toContain('--node-name n7')
    expect(err).not.toContain(out.trim())
    const stored = (await line.run(`get secret bootstrap-token-${out.slice(0, 6)} -n kube-system -o json`)).out
    expect(stored).not.toContain(out.trim().slice(7))
    expect(JSON.parse(stored)).toMatchObject({
      type: 'bootstrap.kubernetes.io/token',
      data: { 'node-name': Buffer.from('n7').toString('base64') },
    })
  })

  it('writes it to a file for its owner alone, and never over another', async () => {
    expect(await line.run('join-token --to-file token')).toEqual({ code: 0, out: '', err: '' })
    expect(statSync(`${line.home}/token`).mode & 0o777).toBe(0o600)
    const tokens = async () => (await line.run('get secrets -n kube-system -o name')).out
    const before = await tokens()
    expect(await line.run('join-token --to-file token')).toMatchObject({ code: 2, err: 'error: token exists already: name a new file\n' })
    expect(await line.run('join-token --node-name N2')).toMatchObject({ code: 2, out: '' })
    expect(await line.run('join-token --to-file absent/token')).toMatchObject({
      code: 2,
      err: expect.stringContaining('cannot write absent/token'),
    })
    expect(await tokens()).toBe(before)
    expect((await line.run('join-token --ttl 999h')).code).toBe(2)
  })
})

describe('edit', () => {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'edited' }, data: { a: '1' } }

  it('sends what the editor changed, opens it again when it is refused, and leaves things as they are when nothing changed', async () => {
    await line.run('create -f -', { input: JSON.stringify(map) })
    const editor = async (script: string) => await line.run('edit configmap edited', { env: { KUBE_EDITOR: script } })
    expect((await editor('true')).out).toBe('configmap/edited: edit cancelled, no changes made\n')
    expect((await editor(`sed -i 's/a: .*/a: "2"/'`)).out).toBe('configmap/edited edited\n')
    expect((await line.run(['get', 'configmap', 'edited', '-o', 'jsonpath={.data.a}'])).out).toBe('2')
    const refused = await editor(`sed -i 's/^data:/dtaa:/'`)
    expect(refused.code).toBe(6)
    expect(refused.err).toMatch(/unchanged: the edit was refused, and left so\n.*unknown field "dtaa"/)
    expect((await editor('false')).err).toContain('nothing was changed')
  })
})
