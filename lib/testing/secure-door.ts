/** Over TLS, with certificates as identity. A file of its own, since what makes certificates takes a quarter of a second to load. */
import { createPublicKey } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensurePki } from '../../apiserver/auth/pki/ensure-pki.js'
import { generateKeyPem } from '../../apiserver/auth/pki/generate-key-pem.js'
import { startSecureApiserver } from '../../apiserver/start-secure-apiserver.js'
import { unauthorized } from '../api/api-error.js'
import type { TestDoor, TestDoorOptions } from './test-door.js'

export async function openSecureDoor({ revoked, limits, streams: _own, ...parts }: TestDoorOptions): Promise<TestDoor> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  const pki = await ensurePki({ directory: join(folder, 'pki') })
  const server = await startSecureApiserver({
    ...parts,
    host: '127.0.0.1',
    port: 0,
    pki,
    screen(user) {
      if (revoked.has(user.name)) throw unauthorized()
    },
    ...(limits ? { limits } : {}),
  })
  const url = `https://127.0.0.1:${server.port}`
  return {
    server,
    url,
    async configOf(user, groups) {
      const key = generateKeyPem()
      const certificate = await pki.authority.issue({
        publicKey: createPublicKey(key),
        commonName: user,
        organizations: groups,
        usage: 'client',
        notBefore: new Date(Date.now() - 60_000),
        notAfter: new Date(Date.now() + 24 * 3600_000),
      })
      return { server: url, ca: { data: pki.authority.certificate }, certificate: { data: certificate }, key: { data: key } }
    },
    async close() {
      await server.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
