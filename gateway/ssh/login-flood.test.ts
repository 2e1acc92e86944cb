/**
 * Strangers by the hundred, or with MILLRACE_TEST_LONG=1 by the thousand: wrong keys, nothing at
 * all, half a banner, rubbish. Counts, and what stays of them.
 */
import { connect, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import ssh2 from 'ssh2'
import { afterEach, expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import { eventually } from '../../lib/testing/eventually.js'
import { keyPair } from '../fixtures/key-pair.js'
import type { MachineStreams } from '../machines/machine-streams.js'
import { createLoginRecorder } from './login-recorder.js'
import { startSshServer } from './ssh-server.js'

const isLong = process.env.MILLRACE_TEST_LONG === '1'
const rounds = isLong ? 5 : 2
const strangers = isLong ? 2_000 : 100
const logins = isLong ? 200 : 15
const limits = { total: 40, perAddress: 10, loginWithinMs: 60_000 }

const ending: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ending.splice(0)) await end()
})

async function aServer() {
  const hostKey = keyPair()
  const told = { refused: 0, messages: new Set<string>() }
  const events = {
    record: (_subject: unknown, _type: string, _reason: string, message: string) => void told.messages.add(message),
    flush: async () => {},
    close: async () => {},
  }
  const recorder = createLoginRecorder({ clock: systemClock, events: { accepted: events, refused: events }, count: () => told.refused++ })
  const vps = {
    metadata: { name: 'dev', namespace: 'default', uid: 'u' },
    spec: { running: true, ssh: { mode: 'keys', authorizedKeys: [keyPair().public] } },
  } as unknown as Vps
  const server = await startSshServer({
    library: ssh2,
    host: '127.0.0.1',
    port: 0,
    hostKey: { privateKey: hostKey.private, publicKey: hostKey.public },
    machines: {} as MachineStreams,
    findVps: ({ name }) => (name === 'dev' ? vps : undefined),
    recorder,
    log: silentLogger,
    limits,
  })
  ending.push(() => server.close())
  return { server, told }
}

/** As from many machines, eight at a time of one. */
function addresses(): () => string {
  let count = 0
  return () => `127.0.${1 + (Math.floor(count++ / 8) % 200)}.1`
}

async function inTurns(count: number, width: number, run: () => Promise<unknown>): Promise<void> {
  let left = count
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (left-- > 0) await run()
    }),
  )
}

async function say(port: number, localAddress: string, text: string): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress })
  socket.on('error', () => {})
  socket.resume()
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  if (text !== '') socket.write(text)
  return socket
}

const wrongKey = keyPair().private

async function tryToLogIn(port: number, localAddress: string, username: string): Promise<void> {
  const client = new ssh2.Client()
  const sock = connect({ port, host: '127.0.0.1', localAddress })
  sock.on('error', () => {})
  client.on('error', () => {})
  client.connect({ sock, username, privateKey: wrongKey, readyTimeout: 60_000 })
  await new Promise((resolve) => client.once('close', () => resolve(undefined)))
}

function heapAfterCollection(): number {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  return process.memoryUsage().heapUsed
}

it('a flood of logins leaves nothing behind, and no more Events than a few', { timeout: isLong ? 1_800_000 : 120_000 }, async () => {
  const { server, told } = await aServer()
  const from = addresses()
  const heaps: number[] = []
  let most = 0
  for (let round = 0; round < rounds; round++) {
    await inTurns(logins, 5, () => tryToLogIn(server.port, from(), round % 2 ? 'nobody' : 'dev'))
    const open: Socket[] = []
    for (const text of ['', 'SSH-2.0-half', `SSH-2.0-x\r\n${'A'.repeat(3_000)}`, 'x'.repeat(100_000)]) {
      await inTurns(strangers, 20, async () => {
        open.push(await say(server.port, from(), text))
        most = Math.max(most, server.waiting)
      })
      if (text === '') await eventually(() => expect(server.waiting).toBe(limits.total))
    }
    for (const socket of open) socket.destroy()
    await eventually(() => expect([server.waiting, server.size]).toEqual([0, 0]))
    heaps.push(heapAfterCollection())
  }
  expect(most).toBeLessThanOrEqual(limits.total)
  expect(told.refused).toBe(rounds * logins)
  // Ten in words and one that counts the others, of the Vps that there is.
  expect(told.messages.size).toBeLessThanOrEqual(12)
  const [first = 0, last = 0] = [heaps[0], heaps.at(-1)]
  expect(last - first).toBeLessThan(4 * 1024 * 1024)
})
