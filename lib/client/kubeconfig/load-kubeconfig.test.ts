import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { KubeconfigError } from './kubeconfig.js'
import { loadKubeconfig } from './load-kubeconfig.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-kubeconfig-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

function write(path: string, content: object | string): string {
  const file = join(home, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, typeof content === 'string' ? content : stringify(content))
  return file
}

/** A kubeconfig with one context. */
function aKubeconfig(name: string, options: { user?: object; cluster?: object; context?: object; current?: string | undefined } = {}) {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    ...('current' in options ? { 'current-context': options.current } : { 'current-context': name }),
    clusters: [{ name, cluster: { server: `https://${name}:6443`, ...options.cluster } }],
    users: [{ name, user: options.user ?? { token: `token-of-${name}` } }],
    contexts: [{ name, context: { cluster: name, user: name, ...options.context } }],
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const load = (options: Partial<Parameters<typeof loadKubeconfig>[0]> = {}) => loadKubeconfig({ env: {}, home, ...options })

describe('where a kubeconfig is looked for', () => {
  const inHome = '.kube/config'
  const ofDefaultCluster = '.local/share/millrace/default/admin.kubeconfig'

  it('takes --kubeconfig before everything else', async () => {
    const asked = write('asked', aKubeconfig('asked'))
    const listed = write('listed', aKubeconfig('listed'))
    expect(await load({ kubeconfig: asked, env: { KUBECONFIG: listed } })).toMatchObject({ contextName: 'asked', files: [asked] })
    await expect(load({ kubeconfig: join(home, 'absent'), env: { KUBECONFIG: listed } })).rejects.toThrow('does not exist')
  })

  it('merges the files of KUBECONFIG, the first one wins, absent ones are skipped', async () => {
    const first = write('first', { ...aKubeconfig('a', { cluster: { server: 'https://first' } }), 'current-context': undefined })
    const second = write('second', {
      ...aKubeconfig('a'),
      users: aKubeconfig('b').users,
      contexts: aKubeconfig('b', { context: { cluster: 'a' } }).contexts,
      'current-context': 'b',
    })
    const { contextName, config } = await load({ env: { KUBECONFIG: `${first}:${join(home, 'absent')}::${second}` } })
    expect(contextName).toBe('b')
    expect(config).toMatchObject({ server: 'https://first', token: 'token-of-b' })
    await expect(load({ env: { KUBECONFIG: join(home, 'absent') } })).rejects.toThrow('absent, which does not exist')
  })

  it('takes ~/.kube/config when it names a context, else the default cluster', async () => {
    const defaultCluster = write(ofDefaultCluster, aKubeconfig('default'))
    expect((await load()).files).toEqual([defaultCluster])
    write(inHome, aKubeconfig('mine', { current: undefined }))
    expect((await load()).files).toEqual([defaultCluster])
    expect((await load({ context: 'mine' })).contextName).toBe('mine')
    const mine = write(inHome, aKubeconfig('mine'))
    expect((await load()).files).toEqual([mine])
    expect((await load({ context: 'default' })).files).toEqual([defaultCluster])
  })

  it('finds the default cluster under XDG_DATA_HOME', async () => {
    write('data/millrace/default/admin.kubeconfig', aKubeconfig('default'))
    expect((await load({ env: { XDG_DATA_HOME: join(home, 'data') } })).contextName).toBe('default')
  })

  it('says where it looked and what to do when there is none', async () => {
    await expect(load()).rejects.toThrow(/no kubeconfig was found \(looked at .*\.kube\/config and .*admin\.kubeconfig\): start a cluster/)
  })
})

describe('a context', () => {
  it('gives the server, the authority, the certificate, the namespace', async () => {
    const file = write('k', {
      ...aKubeconfig('k', {
        cluster: { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'millrace' },
        user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') },
        context: { namespace: 'team' },
      }),
    })
    expect((await load({ kubeconfig: file })).config).toEqual({
      server: 'https://k:6443',
      namespace: 'team',
      ca: { data: 'CA' },
      certificate: { data: 'CERT' },
      key: { data: 'KEY' },
      token: undefined,
      tokenFile: undefined,
      insecureSkipTlsVerify: undefined,
      tlsServerName: 'millrace',
    })
    expect((await load({ kubeconfig: file, namespace: 'other' })).config.namespace).toBe('other')
  })

  it('counts file names from the directory of the kubeconfig', async () => {
    const user = { 'client-certificate': 'pki/me.crt', 'client-key': '/abs/me.key', tokenFile: '../token' }
    const file = write('sub/k', aKubeconfig('k', { cluster: { 'certificate-authority': 'ca.crt' }, user }))
    expect((await load({ kubeconfig: file })).config).toMatchObject({
      ca: { file: join(home, 'sub/ca.crt') },
      certificate: { file: join(home, 'sub/pki/me.crt') },
      key: { file: '/abs/me.key' },
      tokenFile: join(home, 'token'),
    })
  })

  it.each([
    ['a context that does not exist', aKubeconfig('k', { current: 'x' }), 'no context x: it has k'],
    ['no context at all', aKubeconfig('k', { current: undefined }), 'names no current context: choose one with --context (k)'],
    ['a cluster that does not exist', aKubeconfig('k', { context: { cluster: 'x' } }), 'no cluster of the context k: x: it has k'],
    ['a user that does not exist', aKubeconfig('k', { context: { user: 'x' } }), 'no user of the context k: x: it has k'],
    ['no server', aKubeconfig('k', { cluster: { server: null } }), 'the cluster k has no server'],
    [
      'credentials from a program',
      aKubeconfig('k', { user: { exec: { command: 'aws' } } }),
      'from a program (exec), which Millrace does not support',
    ],
    ['an auth-provider', aKubeconfig('k', { user: { 'auth-provider': {} } }), 'from an auth-provider, which Millrace does not support'],
    [
      'a password',
      aKubeconfig('k', { user: { username: 'a', password: 'b' } }),
      'has a name and a password, which Millrace does not support',
    ],
    ['a proxy', aKubeconfig('k', { cluster: { 'proxy-url': 'http://p' } }), 'through a proxy (proxy-url), which Millrace does not support'],
    [
      'data that is not base64',
      aKubeconfig('k', { cluster: { 'certificate-authority-data': '%%' } }),
      'certificate-authority-data of the cluster k is not base64',
    ],
    ['another kind', { kind: 'Pod' }, 'its kind is Pod'],
    ['a list of no entries', { clusters: ['a'] }, 'clusters[0] has no name'],
    ['a number for a server', aKubeconfig('k', { cluster: { server: 5 } }), 'clusters[0].cluster.server must be a text'],
    ['text that is no YAML', 'a: [', 'is not valid YAML'],
    ['text that is no map', '- a', 'it holds no map'],
    ['keys in keys', `${'? '.repeat(40)}a`, 'a key must be a plain word'],
    ['deep nesting', `a: ${'['.repeat(20_000)}`, 'nests deeper than 64 levels'],
    ['deep lists', `a:\n  ${'- '.repeat(5_000)}x`, 'nests deeper than 64 levels'],
  ])('is refused in words: %s', async (_case, content, message) => {
    const refused = load({ kubeconfig: write('k', content) })
    await expect(refused).rejects.toThrow(message)
    await expect(refused).rejects.toBeInstanceOf(KubeconfigError)
  })

  it('never shows a secret of a broken file', async () => {
    const file = write('k', 'users:\n- name: a\n  user:\n    token: "canary-7f3a\n  x: [')
    const error = await load({ kubeconfig: file }).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(KubeconfigError)
    expect(String(error)).not.toContain('canary')
  })
})
