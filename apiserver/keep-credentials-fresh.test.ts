import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { expect, it } from 'vitest'
import { silentLogger } from '../lib/base/log.js'
import { eventually } from '../lib/testing/eventually.js'
import { ManualClock } from '../lib/testing/manual-clock.js'
import { ensurePki } from './auth/pki/ensure-pki.js'
import { openSigningKeys } from './auth/tokens/signing-keys.js'
import { keepCredentialsFresh } from './keep-credentials-fresh.js'
import { startSecureApiserver } from './start-secure-apiserver.js'
import { openMemoryStore } from './storage/open-memory-store.js'

const dayMs = 24 * 3_600_000

function connect(port: number): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => resolve(socket))
    socket.once('error', reject)
  })
}

it('a running server shows a new certificate when the old one is due; its connections stay', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fresh-'))
  const clock = new ManualClock(Date.now())
  const timers = new ManualClock()
  const pkiOptions = { directory, clock }
  const pki = await ensurePki(pkiOptions)
  const store = await openMemoryStore({ clock, policyOf: () => undefined })
  const server = await startSecureApiserver({ store, clock, log: silentLogger, host: '127.0.0.1', port: 0, pki })
  const tokenKeys = await openSigningKeys({ clock })
  const firstKey = tokenKeys.current.id
  const stop = keepCredentialsFresh({ pkiOptions, tokenKeys, clock: timers, log: silentLogger, useServing: server.useServing })
  const before = await connect(server.port)
  const firstSerial = before.getPeerCertificate().serialNumber
  const shownNow = async () => {
    const socket = await connect(server.port)
    const { serialNumber } = socket.getPeerCertificate()
    socket.destroy()
    return serialNumber
  }
  try {
    await timers.advance(3_600_000)
    await eventually(() => expect(timers.timers).toBe(1))
    expect(await shownNow()).toBe(firstSerial)
    await clock.advance(250 * dayMs)
    await timers.advance(3_600_000)
    await eventually(async () => expect(await shownNow()).not.toBe(firstSerial))
    await eventually(() => expect(tokenKeys.current.id).not.toBe(firstKey))
    expect(before.destroyed).toBe(false)
  } finally {
    stop()
    before.destroy()
    await server.close()
    await store.close()
    await rm(directory, { recursive: true, force: true })
  }
})
