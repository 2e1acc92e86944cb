/** Somebody who may log in, and then asks for what no honest client asks for. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { oneMachine } from '../fixtures/one-machine.js'

let machine: Awaited<ReturnType<typeof oneMachine>>
beforeEach(async () => {
  machine = await oneMachine()
})
afterEach(() => machine.close())

it('has so many sessions, also of those in which it runs nothing', async () => {
  const { session, counts } = await machine.logIn()
  for (let n = 0; n < 200; n++) session()
  await eventually(() => expect(counts).toEqual({ opened: 64, refused: 136 }))
})

it('has so many connections to ports, also of those that nobody has answered; one that fails makes room', async () => {
  const { forward, session, counts } = await machine.logIn()
  for (let n = 0; n < 200; n++) forward()
  await eventually(() => expect(counts).toEqual({ opened: 0, refused: 136 }))
  expect(machine.asked.dials).toHaveLength(64)
  session()
  await eventually(() => expect(counts).toEqual({ opened: 0, refused: 137 }))
  machine.asked.dials[0]?.(new Error('nothing listens'))
  await eventually(() => expect(counts).toEqual({ opened: 0, refused: 138 }))
  session()
  await eventually(() => expect(counts).toEqual({ opened: 1, refused: 138 }))
})

it('runs one command in a session, whatever it asks for after it', async () => {
  const { session, client, wire, counts, ids } = await machine.logIn()
  session()
  await eventually(() => expect(counts.opened).toBe(1))
  const [id = -1] = ids
  for (const wantReply of [true, false]) {
    wire.exec(id, 'true', wantReply)
    wire.shell(id, wantReply)
    wire.subsystem(id, 'sftp', wantReply)
  }
  const second = await new Promise((resolve, reject) => client.exec('true', (error, channel) => (error ? reject(error) : resolve(channel))))
  expect(second).toBeDefined()
  await eventually(() => expect(machine.asked.commands).toBe(2))
  expect(machine.server.size).toBe(1)
})

it('says so much of its surroundings, and no more', async () => {
  const { session, wire, ids } = await machine.logIn()
  session()
  await eventually(() => expect(ids).toHaveLength(1))
  const [id = -1] = ids
  wire.env(id, `LC_${'A'.repeat(33)}`, 'x', false)
  wire.env(id, 'LANG', 'x'.repeat(129), false)
  wire.env(id, 'LANG', 'nul\0', false)
  wire.env(id, '__proto__', 'x', false)
  for (let n = 0; n < 100; n++) wire.env(id, `LC_${'A'.repeat(32 - (n % 32))}`, 'x'.repeat(128), false)
  wire.env(id, `LC_${'A'.repeat(32)}`, 'last', false)
  wire.exec(id, 'true', false)
  await eventually(() => expect(machine.asked.commands).toBe(1))
  const said = Object.entries(machine.asked.environment)
  expect(said[0]).toEqual([`LC_${'A'.repeat(32)}`, 'last'])
  expect(said).toHaveLength(16)
})

it('is told once why remote forwarding is refused, however often it asked', async () => {
  const { client, wire } = await machine.logIn()
  for (let n = 0; n < 1000; n++) wire.tcpipForward('localhost', 1, false)
  const told = await new Promise<string>((resolve, reject) =>
    client.exec('true', (error, channel) => {
      if (error) return reject(error)
      let text = ''
      channel.stderr.on('data', (bytes) => {
        text += bytes
        if (text.endsWith('\r\n')) setImmediate(() => resolve(text))
      })
    }),
  )
  expect(told.match(/remote forwarding/g)).toHaveLength(1)
})

it('gives the places of sessions back that it has closed, also of those in which something runs that nobody reads', async () => {
  const { session, wire, counts, ids } = await machine.logIn()
  for (let round = 1; round <= 4; round++) {
    for (let n = 0; n < 30; n++) session()
    await eventually(() => expect(counts).toEqual({ opened: round * 30, refused: 0 }))
    for (const id of ids.splice(0)) {
      wire.exec(id, 'true', false)
      wire.channelData(id, Buffer.from('unread'))
      wire.channelClose(id)
    }
  }
})

it('is sent away when it sends more than it was given room for', async () => {
  const { session, wire, ids, gone } = await machine.logIn()
  session()
  await eventually(() => expect(ids).toHaveLength(1))
  const [id = -1] = ids
  wire.exec(id, 'true', false)
  for (let n = 0; n < 200; n++) wire.channelData(id, Buffer.alloc(30_000))
  await gone
  expect(machine.server.size).toBe(0)
})
