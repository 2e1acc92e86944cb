import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Clock } from '../../../lib/base/clock.js'
import { ensurePki, PkiError } from './ensure-pki.js'
import { generateKeyPem } from './generate-key-pem.js'
import { writeKubeconfigs } from './kubeconfig.js'

const server = 'https://127.0.0.1:6443'
const dayMs = 86_400_000
let data: string
let directory: string

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'pki-'))
  directory = join(data, 'apiserver/pki')
})
afterEach(() => rm(data, { recursive: true, force: true }))

const file = (name: string) => readFile(join(directory, name), 'utf8')
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
const inDays = (days: number): Clock => ({
  now: () => Date.now() + days * dayMs,
  monotonic: () => 0,
  setTimer: () => ({ cancel: () => {} }),
})

describe('ensurePki', () => {
  it('makes an authority and a serving certificate for every name that clients use', async () => {
    const pki = await ensurePki({ directory, names: ['millrace.example', '10.1.2.3'] })
    const authority = new X509Certificate(pki.authority.certificate)
    const serving = new X509Certificate(pki.serving.certificate)
    expect(authority.ca).toBe(true)
    expect(serving.ca).toBe(false)
    expect(serving.checkIssued(authority) && serving.verify(authority.publicKey)).toBe(true)
    expect(serving.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    for (const name of ['localhost', 'millrace.example']) expect(serving.checkHost(name)).toBe(name)
    for (const address of ['127.0.0.1', '::1', '10.1.2.3']) expect(serving.checkIP(address)).toBe(address)
    expect(serving.checkHost('other.example')).toBeUndefined()
  })

  it('keeps folder and files from everybody else, also when it finds them open', async () => {
    await ensurePki({ directory })
    await chmod(directory, 0o755)
    await chmod(join(directory, 'ca.key'), 0o644)
    await ensurePki({ directory })
    expect(await modeOf(directory)).toBe('700')
    for (const name of ['ca.key', 'ca.crt', 'serving.key', 'serving.crt']) expect(await modeOf(join(directory, name))).toBe('600')
  })

  it('finds the same keys again at the next start', async () => {
    const first = await ensurePki({ directory })
    const second = await ensurePki({ directory })
    expect(second.serving).toEqual(first.serving)
    expect(second.authority.certificate).toBe(first.authority.certificate)
  })

  it('renews the serving certificate past two thirds of its life, and not before', async () => {
    const first = await ensurePki({ directory })
    expect((await ensurePki({ directory, clock: inDays(240) })).serving).toEqual(first.serving)
    const renewed = await ensurePki({ directory, clock: inDays(250) })
    expect(renewed.serving.certificate).not.toBe(first.serving.certificate)
    expect(renewed.authority.certificate).toBe(first.authority.certificate)
  })

  it('issues the serving certificate anew when a name is added', async () => {
    const first = await ensurePki({ directory })
    const second = await ensurePki({ directory, names: ['new.example'] })
    expect(second.serving.certificate).not.toBe(first.serving.certificate)
    expect(new X509Certificate(second.serving.certificate).checkHost('new.example')).toBe('new.example')
  })

  it.each(['ca.crt', 'serving.crt', 'serving.key'])('repairs a start that ended before %s was written', async (missing) => {
    const first = await ensurePki({ directory })
    await rm(join(directory, missing))
    await writeFile(join(directory, `${missing}.tmp`), 'half a fi')
    const second = await ensurePki({ directory })
    const authority = new X509Certificate(second.authority.certificate)
    expect(new X509Certificate(second.serving.certificate).verify(authority.publicKey)).toBe(true)
    expect(new X509Certificate(first.serving.certificate).checkIssued(authority)).toBe(true)
    expect(new X509Certificate(first.serving.certificate).verify(authority.publicKey)).toBe(true)
  })

  it('repairs a serving key that is not the one of its certificate', async () => {
    await ensurePki({ directory })
    await writeFile(join(directory, 'serving.key'), generateKeyPem())
    const { serving } = await ensurePki({ directory })
    expect(await file('serving.key')).toBe(serving.key)
  })

  it.each([
    ['the key is gone', () => rm(join(directory, 'ca.key')), /ca\.key is missing, but .*ca\.crt is there\. Put the key back from a backup/],
    ['the key is another one', () => writeFile(join(directory, 'ca.key'), generateKeyPem()), /ca\.crt is not the certificate of .*ca\.key/],
    ['the certificate is garbage', () => writeFile(join(directory, 'ca.crt'), 'garbage'), /ca\.crt is not the certificate of .*ca\.key/],
  ])('says what to do when %s', async (_case, damage, sentence) => {
    await ensurePki({ directory })
    await damage()
    const failure = await ensurePki({ directory }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(PkiError)
    expect((failure as PkiError).message).toMatch(sentence)
  })

  it('says what to do when a key without a certificate cannot be read', async () => {
    await ensurePki({ directory })
    await rm(join(directory, 'ca.crt'))
    await writeFile(join(directory, 'ca.key'), '-----BEGIN PRIVATE KEY-----\nhalf')
    await expect(ensurePki({ directory })).rejects.toThrow(/ca\.key is not a P-256 private key in PEM\. Put it back from a backup/)
  })

  it('says what to do when the path is a file', async () => {
    await writeFile(join(data, 'apiserver'), '')
    await expect(ensurePki({ directory })).rejects.toThrow(/Cannot keep the cluster's keys in .*: a part of the path is a file/)
  })

  it('refuses a name that no certificate can carry', async () => {
    await expect(ensurePki({ directory, names: ['two words'] })).rejects.toThrow('"two words" is neither a DNS name nor an address')
  })
})

describe('writeKubeconfigs', () => {
  const admin = () => join(data, 'admin.kubeconfig')

  it("writes one file for each of the cluster's own users, readable by the owner alone", async () => {
    const pki = await ensurePki({ directory })
    const written = await writeKubeconfigs(data, server, pki)
    expect(written.map((path) => path.slice(data.length + 1))).toEqual([
      'admin.kubeconfig',
      'scheduler.kubeconfig',
      'controller-manager.kubeconfig',
      'gateway.kubeconfig',
    ])
    for (const path of written) expect(await modeOf(path)).toBe('600')
  })

  it('leaves a good file alone, with what its owner has added', async () => {
    const pki = await ensurePki({ directory })
    await writeKubeconfigs(data, server, pki)
    const text = `${await readFile(admin(), 'utf8')}preferences: { colors: true }\n`
    await writeFile(admin(), text)
    expect(await writeKubeconfigs(data, server, pki)).toEqual([])
    expect(await readFile(admin(), 'utf8')).toBe(text)
  })

  it('keeps the key when only the address of the server has changed', async () => {
    const pki = await ensurePki({ directory })
    await writeKubeconfigs(data, server, pki)
    const before = await readFile(admin(), 'utf8')
    await writeKubeconfigs(data, 'https://127.0.0.1:7443', pki)
    expect(await readFile(admin(), 'utf8')).toBe(before.replace('6443', '7443'))
  })

  it.each([
    ['is past two thirds of its life', async () => {}, inDays(250)],
    ['is half a file', () => writeFile(admin(), 'apiVersion: v1\nclus'), inDays(0)],
  ])('issues a new certificate when the present one %s', async (_case, damage, clock) => {
    const pki = await ensurePki({ directory })
    await writeKubeconfigs(data, server, pki)
    const before = await readFile(admin(), 'utf8')
    await damage()
    expect(await writeKubeconfigs(data, server, pki, clock)).toContain(admin())
    expect(await readFile(admin(), 'utf8')).not.toBe(before)
  })

  it('issues new certificates under a new authority', async () => {
    await writeKubeconfigs(data, server, await ensurePki({ directory }))
    await rm(directory, { recursive: true })
    await mkdir(directory, { recursive: true })
    expect(await writeKubeconfigs(data, server, await ensurePki({ directory }))).toHaveLength(4)
  })
})
