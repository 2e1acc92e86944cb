import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addToKubeconfig } from './add-to-kubeconfig.js'
import type { Kubeconfig } from './kubeconfig.js'
import { readKubeconfigFile } from './load-kubeconfig.js'
import { changeKubeconfig, writeKubeconfig } from './write-kubeconfig.js'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'millrace-kubeconfig-'))
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

const one: Kubeconfig = {
  'current-context': 'one',
  clusters: [{ name: 'one', cluster: { server: 'https://one', 'certificate-authority-data': 'QUFB'.repeat(100) } }],
  users: [{ name: 'one', user: { token: 'secret' } }],
  contexts: [{ name: 'one', context: { cluster: 'one', user: 'one' } }],
}
const two: Kubeconfig = JSON.parse(JSON.stringify(one).replaceAll('one', 'two')) as Kubeconfig

describe('writing a kubeconfig', () => {
  it('keeps it to its owner and leaves nothing else behind', async () => {
    const path = join(home, 'new', 'config')
    await writeKubeconfig(path, one)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'new')).mode & 0o777).toBe(0o700)
    expect(readdirSync(join(home, 'new'))).toEqual(['config'])
    expect(await readKubeconfigFile(path)).toEqual({ apiVersion: 'v1', kind: 'Config', ...one })
  })

  it('narrows the mode of a file that others could read, and keeps a link a link', async () => {
    const real = join(home, 'real')
    writeFileSync(real, '', { mode: 0o644 })
    symlinkSync(real, join(home, 'link'))
    await writeKubeconfig(join(home, 'link'), one)
    expect(statSync(real).mode & 0o777).toBe(0o600)
    expect(readFileSync(real, 'utf8')).toContain('https://one')
    expect(readdirSync(home).sort()).toEqual(['link', 'real'])
  })

  it('does not touch a file that another program is changing, nor one whose change fails', async () => {
    const path = join(home, 'config')
    await writeKubeconfig(path, one)
    const before = readFileSync(path, 'utf8')
    writeFileSync(`${path}.lock`, '')
    await expect(changeKubeconfig(path, () => two)).rejects.toThrow('is being changed by another program')
    rmSync(`${path}.lock`)
    await expect(changeKubeconfig(path, (file) => addToKubeconfig(file, { users: [{ name: 'one', user: {} }] }))).rejects.toThrow(
      'another user one already',
    )
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(readdirSync(home)).toEqual(['config'])
  })
})

describe('adding to a kubeconfig', () => {
  it('keeps what is there, and takes the current context only where there was none', () => {
    const added = addToKubeconfig({ ...one, preferences: { colors: true } }, two)
    expect(added.clusters?.map(({ name }) => name)).toEqual(['one', 'two'])
    expect(added.preferences).toEqual({ colors: true })
    expect(added['current-context']).toBe('one')
    expect(addToKubeconfig(one, two, { use: true })['current-context']).toBe('two')
    expect(addToKubeconfig({}, two)['current-context']).toBe('two')
  })

  it('is the same when it is done again', () => {
    const added = addToKubeconfig(one, two)
    expect(addToKubeconfig(added, two)).toEqual(added)
  })

  it('replaces a different entry of the same name only when told to', () => {
    const other: Kubeconfig = { ...one, clusters: [{ name: 'one', cluster: { server: 'https://moved' } }] }
    expect(() => addToKubeconfig(one, other)).toThrow('another cluster one already')
    expect(addToKubeconfig(one, other, { overwrite: true }).clusters?.[0]?.cluster.server).toBe('https://moved')
  })
})
