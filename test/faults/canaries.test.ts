/**
 * Secret values and tokens lie nowhere but where they belong: credential files, and the secret volumes of running
 * attempts. Everything else under the cluster's directory (the database and its write-ahead log included), what the
 * API says, and the command lines of all processes are searched.
 */
import { existsSync, readdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Cluster, startCluster } from '../processes/cluster.js'
import { createOwner } from '../processes/owner.js'

const canary = 'canary-7f3a9c51e0d24b68'
const manifests = `
apiVersion: v1
kind: Secret
metadata: {name: account}
stringData: {password: ${canary}}
---
apiVersion: millrace.dev/v1
kind: Task
metadata: {name: reader}
spec:
  command: [sh, -c, 'test "$PASSWORD" = "$(cat "$MILLRACE_VOLUMES/account/password")" && echo "same $MILLRACE_VOLUMES"; while ! test -e "$MILLRACE_VOLUMES/scratch/go"; do sleep 0.1; done']
  env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: account, key: password}}}]
  volumes:
    - {name: account, secret: {secretName: account}}
    - {name: scratch, emptyDir: {}}
  volumeMounts: [{name: account}, {name: scratch}]
`

const owner = createOwner('canary')
let cluster: Cluster
const kubectl = (...args: string[]) => cluster.kubectl(...args)

beforeAll(async () => {
  cluster = await startCluster(owner, { backends: 'process' })
})
afterAll(() => owner.end())

/** Files below a folder that hold the text as it is, in base64 or in hex. */
function filesWith(folder: string, text: string): string[] {
  const forms = [
    Buffer.from(text),
    Buffer.from(Buffer.from(text).toString('base64').replace(/=+$/, '')),
    Buffer.from(Buffer.from(text).toString('hex')),
  ]
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => {
      const bytes = readFileSync(file)
      return forms.some((form) => bytes.includes(form))
    })
}

/** A folder and those that hold it, up to the root. */
function ancestors(folder: string): string[] {
  const parent = path.dirname(folder)
  return parent === folder ? [folder] : [folder, ...ancestors(parent)]
}

function commandLinesWith(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text) ? [pid] : []
      } catch {
        return []
      }
    })
}

describe('a secret value', () => {
  it('lies only in the secret volume of the running attempt, and nowhere when the attempt has ended', async () => {
    cluster.apply(manifests)
    kubectl('wait', 'task/reader', '--for=condition=Running', '--timeout=90s')
    await expect.poll(() => kubectl('logs', 'reader')).toMatch(/^same \//)
    const mounts = kubectl('logs', 'reader').trim().slice('same '.length)
    const [account, scratch] = ['account', 'scratch'].map((name) => realpathSync(path.join(mounts, name))) as [string, string]
    expect(filesWith(account, canary).length).toBeGreaterThan(0)

    const holding = filesWith(cluster.directory, canary)
    expect(holding.filter((file) => !file.startsWith(account))).toEqual([])
    expect(ancestors(account).some((folder) => (statSync(folder).mode & 0o007) === 0)).toBe(true)
    expect(commandLinesWith(canary)).toEqual([])
    const encoded = Buffer.from(canary).toString('base64')
    for (const said of [
      kubectl('describe', 'secret', 'account'),
      kubectl('describe', 'task', 'reader'),
      kubectl('get', 'events', '-o', 'yaml'),
      kubectl('history', 'secret/account'),
      kubectl('why', 'task/reader'),
    ])
      expect(said.includes(canary) || said.includes(encoded)).toBe(false)

    writeFileSync(path.join(scratch, 'go'), '')
    kubectl('wait', 'task/reader', '--for=condition=Complete', '--timeout=90s')
    await expect.poll(() => existsSync(account)).toBe(false)
    expect(filesWith(cluster.directory, canary)).toEqual([])
  })

  it('is refused without being quoted', () => {
    const input = JSON.stringify({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'bad' },
      data: { password: `not base64 ${canary}` },
    })
    let said = ''
    try {
      cluster.apply(input)
    } catch (error) {
      said = String((error as { stderr?: string }).stderr)
    }
    expect(said).toContain('data')
    expect(said).not.toContain(canary)
    expect(filesWith(path.join(cluster.directory, 'log'), canary)).toEqual([])
  })
})

describe('private keys and tokens', () => {
  it('have mode 0600, and no join token is left', () => {
    const files = readdirSync(cluster.directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name))
    const readable = files.filter((file) => {
      const text = readFileSync(file, 'latin1')
      return (text.includes('PRIVATE KEY') || text.includes('client-key-data')) && (statSync(file).mode & 0o077) !== 0
    })
    expect(readable).toEqual([])
    expect(files.filter((file) => /token/.test(path.basename(file)))).toEqual([])
    expect(commandLinesWith('PRIVATE KEY')).toEqual([])
  })
})
