import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { findCondition } from '../../lib/api/condition.js'
import { Event } from '../../lib/api/kinds/event.js'
import { Secret, type SecretManifest } from '../../lib/api/kinds/secret.js'
import { Vps, type VpsManifest } from '../../lib/api/kinds/vps.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type TestCluster, testCluster } from '../../lib/testing/test-cluster.js'
import { makeKey, publicKeyOf } from './openssh-key.js'
import { vpsKey } from './vps-key.js'

describe('a key that is made', () => {
  it('is one that ssh-keygen reads, and whose public half it finds to be ours', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'vps-key-'))
    try {
      for (const comment of ['dev.default', 'a', 'a-longer-name.team-of-others']) {
        const { privateKey, publicKey } = makeKey(comment)
        const file = join(folder, comment)
        await writeFile(file, privateKey, { mode: 0o600 })
        const { stdout } = await promisify(execFile)('ssh-keygen', ['-y', '-P', '', '-f', file])
        expect(stdout.trim()).toBe(`${publicKey} ${comment}`)
        expect(publicKeyOf(privateKey)).toBe(publicKey)
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  const { privateKey } = makeKey('x')
  it.each([
    ['nothing', ''],
    ['a public key', makeKey('x').publicKey],
    ['another format', privateKey.replaceAll('OPENSSH', 'RSA')],
    ['half of a key', `${privateKey.split('\n').slice(0, 2).join('\n')}\n-----END OPENSSH PRIVATE KEY-----`],
    ['something else in its dress', `-----BEGIN OPENSSH PRIVATE KEY-----\n${'QUJD'.repeat(40)}\n-----END OPENSSH PRIVATE KEY-----`],
  ])('is not found in %s', (_case, text) => {
    expect(publicKeyOf(text)).toBeUndefined()
  })
})

describe('the key of a Vps', () => {
  const create = (cluster: TestCluster, ssh: NonNullable<VpsManifest['spec']['ssh']>, name = 'dev') =>
    cluster.client.of(Vps).create({ metadata: { name }, spec: { image: 'debian', ssh } })
  const read = (cluster: TestCluster, name = 'dev') => cluster.client.of(Vps).get({ name })
  const secretOf = (cluster: TestCluster, name = 'dev-ssh') => cluster.client.of(Secret).get({ name })
  const privateKeyIn = (secret: Secret) => Buffer.from(secret.data?.['ssh-privatekey'] ?? '', 'base64').toString()
  const addSecret = (cluster: TestCluster, manifest: SecretManifest) => cluster.client.of(Secret).create(manifest)

  it('is made once, owned by it, and its public half is told; of its private half nobody hears', async () => {
    await using cluster = await testCluster({ controllers: [vpsKey] })
    const { metadata } = await create(cluster, { mode: 'generate' })
    await cluster.settle()
    const secret = await secretOf(cluster)
    expect(secret.type).toBe('kubernetes.io/ssh-auth')
    expect(secret.metadata.ownerReferences).toMatchObject([{ kind: 'Vps', name: 'dev', uid: metadata.uid, controller: true }])
    const { status } = await read(cluster)
    expect(`${status?.sshPublicKey} dev.default\n`).toBe(Buffer.from(secret.data?.['ssh-publickey'] ?? '', 'base64').toString())
    expect(findCondition({ status }, 'KeyReady')).toMatchObject({ status: 'True', message: 'the private key is in Secret dev-ssh' })
    await eventually(async () => (await cluster.client.of(Event).list({})).items.some(({ reason }) => reason === 'KeyMade'))
    const told = JSON.stringify([await read(cluster), await cluster.client.of(Event).list({})])
    for (const line of privateKeyIn(secret).split('\n').slice(1, -2)) expect(told).not.toContain(line)
    cluster.restart()
    await cluster.advance('20m')
    expect((await secretOf(cluster)).metadata.resourceVersion).toBe(secret.metadata.resourceVersion)
    expect((await read(cluster)).status?.sshPublicKey).toBe(status?.sshPublicKey)
  })

  it('is the same when the controller is killed between its two writes', async () => {
    await using cluster = await testCluster({ controllers: [vpsKey] })
    cluster.fail({ verb: 'create', kind: Secret, with: 'crash after' })
    await create(cluster, { mode: 'generate' })
    await cluster.advance('1m')
    const secret = await secretOf(cluster)
    const { status } = await read(cluster)
    expect(status?.sshPublicKey).toBe(publicKeyOf(privateKeyIn(secret)))
  })

  it('is made anew when its Secret was deleted, and no longer counts when another mode is wanted', async () => {
    await using cluster = await testCluster({ controllers: [vpsKey] })
    await create(cluster, { mode: 'generate' })
    await cluster.settle()
    const before = (await read(cluster)).status?.sshPublicKey
    await cluster.client.of(Secret).delete({ name: 'dev-ssh' })
    await cluster.advance('11m')
    const after = (await read(cluster)).status?.sshPublicKey
    expect(after).toMatch(/^ssh-ed25519 /)
    expect(after).not.toBe(before)
    await cluster.client.of(Vps).mergePatch({ name: 'dev' }, { spec: { ssh: { mode: 'disabled' } } })
    await cluster.settle()
    const { status } = await read(cluster)
    expect([status?.sshPublicKey, findCondition({ status }, 'KeyReady')]).toEqual([undefined, undefined])
  })

  it('is that of a Secret which the user names and has filled', async () => {
    await using cluster = await testCluster({ controllers: [vpsKey] })
    const { privateKey, publicKey } = makeKey('mine')
    await addSecret(cluster, {
      metadata: { name: 'mine' },
      type: 'kubernetes.io/ssh-auth',
      data: { 'ssh-privatekey': Buffer.from(privateKey).toString('base64') },
    })
    await create(cluster, { mode: 'generate', secretName: 'mine' })
    await cluster.settle()
    expect((await read(cluster)).status?.sshPublicKey).toBe(publicKey)
    expect((await secretOf(cluster, 'mine')).metadata.ownerReferences).toBeUndefined()
  })

  it.each<[string, SecretManifest]>([
    ['Secret s is of type Opaque, not kubernetes.io/ssh-auth', { metadata: { name: 's' }, data: { password: 'aHVudGVyMg==' } }],
    [
      "Secret s has no private key in OpenSSH's format under ssh-privatekey",
      { metadata: { name: 's' }, type: 'kubernetes.io/ssh-auth', data: { 'ssh-privatekey': 'aHVudGVyMg==' } },
    ],
    [
      'Secret s belongs to Vps other',
      {
        metadata: {
          name: 's',
          ownerReferences: [{ apiVersion: 'millrace.dev/v1', kind: 'Vps', name: 'other', uid: 'u', controller: true }],
        },
        type: 'kubernetes.io/ssh-auth',
        data: { 'ssh-privatekey': Buffer.from(makeKey('o').privateKey).toString('base64') },
      },
    ],
  ])('is not looked for in a Secret that is somebody else’s, until that is mended: %s', async (refusal, secret) => {
    await using cluster = await testCluster({ controllers: [vpsKey] })
    const stored = await addSecret(cluster, secret)
    await create(cluster, { mode: 'generate', secretName: 's' })
    await cluster.settle()
    const { status } = await read(cluster)
    expect(status?.sshPublicKey).toBeUndefined()
    expect(findCondition({ status }, 'KeyReady')).toMatchObject({
      status: 'False',
      reason: 'SecretNotUsable',
      message: `${refusal}: name another in spec.ssh.secretName, or delete it`,
    })
    expect((await secretOf(cluster, 's')).metadata.resourceVersion).toBe(stored.metadata.resourceVersion)
    await cluster.client.of(Secret).delete({ name: 's' })
    await cluster.advance('1m')
    expect((await read(cluster)).status?.sshPublicKey).toMatch(/^ssh-ed25519 /)
  })
})
