import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isForbidden, isUnauthorized } from '../api/api-error.js'
import { Task } from '../api/kinds/task.js'
import { eventually } from '../testing/eventually.js'
import { type TestCluster, testCluster } from '../testing/test-cluster.js'
import type { ClientConfig, PemSource } from './client-config.js'
import { createClient } from './create-client.js'

let cluster: TestCluster
let folder: string
beforeAll(async () => {
  cluster = await testCluster({ tls: true })
  folder = mkdtempSync(join(tmpdir(), 'millrace-transport-'))
})
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true })
  await cluster.close()
})

const textOf = (source: PemSource | undefined) => (source && 'data' in source ? source.data : '')

/** Replaces a file at once, as a program that renews its certificate does. */
function replace(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(`${path}.new`, text, { mode: 0o600 })
  renameSync(`${path}.new`, path)
  return path
}

async function list(config: ClientConfig): Promise<void> {
  const client = createClient(config)
  try {
    await client.of(Task).list()
  } finally {
    await client.close()
  }
}

describe('a connection', () => {
  it('is refused in words when the server is not the one that the kubeconfig knows', async () => {
    const other = await testCluster({ tls: true })
    await expect(list({ ...cluster.admin, ca: other.admin.ca })).rejects.toThrow('is not signed by the authority in the kubeconfig')
    await expect(list({ ...cluster.admin, ca: undefined })).rejects.toThrow('is not signed by the authority in the kubeconfig')
    await expect(list({ ...cluster.admin, tlsServerName: 'elsewhere.example' })).rejects.toThrow('was issued for another name')
    await other.close()
  })

  it('trusts any server only when told to', async () => {
    await list({ ...cluster.admin, ca: undefined, insecureSkipTlsVerify: true })
  })

  it('without credentials is nobody', async () => {
    await expect(list({ ...cluster.admin, certificate: undefined, key: undefined })).rejects.toSatisfy(isUnauthorized)
  })

  it('is made with the renewed certificate once its files were replaced', async () => {
    const nobody = await cluster.configOf('nobody')
    const certificate = replace('tls.crt', textOf(nobody.certificate))
    const key = replace('tls.key', textOf(nobody.key))
    const client = createClient({ ...cluster.admin, certificate: { file: certificate }, key: { file: key } })
    await expect(client.of(Task).list()).rejects.toSatisfy(isForbidden)
    replace('tls.key', textOf(cluster.admin.key))
    // The pair does not match now: what is in use stays, past the time at which files are looked at again.
    const looked = performance.now() + 1_100
    while (performance.now() < looked) await expect(client.of(Task).list()).rejects.toSatisfy(isForbidden)
    replace('tls.crt', textOf(cluster.admin.certificate))
    await eventually(() => client.of(Task).list())
    rmSync(key)
    await client.of(Task).list()
    await client.close()
  })
})
