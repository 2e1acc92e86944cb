import { mkdtemp, rm, symlink } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually } from '../../../lib/testing/eventually.js'
import { QmpClient, QmpError, type QmpEvent } from './qmp-client.js'

type Answer = (request: { execute: string; arguments: Record<string, unknown>; id: number }, socket: net.Socket) => void

describe('the QMP client', () => {
  const signal = AbortSignal.timeout(600_000)
  let folder: string
  let server: net.Server
  let socketPath: string

  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'mr-qmp-'))
    socketPath = path.join(folder, 'qmp.sock')
  })
  afterEach(async () => {
    await new Promise<void>((resolve) => (server?.listening ? server.close(() => resolve()) : resolve()))
    await rm(folder, { recursive: true, force: true })
  })

  /** What QEMU would say: its greeting, an answer to the capabilities, and what the test gives. */
  async function listen(answer: Answer, greeting = '{"QMP": {"version": {}, "capabilities": []}}\r\n'): Promise<void> {
    server = net.createServer((socket) => {
      socket.on('error', () => {})
      socket.write(greeting)
      let held = ''
      socket.on('data', (chunk) => {
        held += chunk.toString()
        for (let end = held.indexOf('\n'); end >= 0; end = held.indexOf('\n')) {
          const request = JSON.parse(held.slice(0, end)) as Parameters<Answer>[0]
          held = held.slice(end + 1)
          if (request.execute === 'qmp_capabilities') socket.write(`{"return": {}, "id": ${request.id}}\r\n`)
          else answer(request, socket)
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(socketPath, resolve))
  }

  it('gives each command its own answer, in whatever order and pieces they come', async () => {
    const held: string[] = []
    await listen(({ execute, id }, socket) => {
      held.unshift(`{"return": "${execute}", "id": ${id}}\r\n`)
      if (held.length < 2) return
      for (const character of held.join('')) socket.write(character)
    })
    const qmp = await QmpClient.connect(socketPath, signal)
    expect(await Promise.all([qmp.execute('first'), qmp.execute('second')])).toEqual(['first', 'second'])
    qmp.close()
    await qmp.closed
  })

  it('passes arguments on, and says what QEMU refused', async () => {
    await listen(({ arguments: args, id }, socket) => {
      socket.write(`${JSON.stringify({ error: { class: 'DeviceNotFound', desc: `no device ${String(args.id)}` }, id })}\n`)
    })
    const qmp = await QmpClient.connect(socketPath, signal)
    await expect(qmp.execute('device_del', { id: 'disk' })).rejects.toMatchObject({
      name: 'QmpError',
      errorClass: 'DeviceNotFound',
      message: 'QEMU refused device_del: no device disk',
    })
    qmp.close()
  })

  it('tells events, until nobody listens', async () => {
    await listen(({ id }, socket) => {
      socket.write(`{"event": "SHUTDOWN", "data": {"guest": true}, "timestamp": {}}\n{"return": {}, "id": ${id}}\n`)
    })
    const qmp = await QmpClient.connect(socketPath, signal)
    const heard: QmpEvent[] = []
    const stop = qmp.onEvent((event) => heard.push(event))
    await qmp.execute('one')
    stop()
    await qmp.execute('two')
    expect(heard).toEqual([{ event: 'SHUTDOWN', data: { guest: true } }])
    qmp.close()
  })

  it('does not wait for ever for an answer', async () => {
    await listen(() => {})
    const qmp = await QmpClient.connect(socketPath, signal)
    await expect(qmp.execute('query-status', {}, { timeoutMs: 5 })).rejects.toThrow('QEMU did not answer query-status within 0.005 s')
    const waiting = qmp.execute('query-status', {}, { signal: AbortSignal.abort(new Error('nobody waits')) })
    await expect(waiting).rejects.toThrow('nobody waits')
    qmp.close()
  })

  it.each<[string, Answer]>([
    ['that goes', (_request, socket) => socket.destroy()],
    ['that ends its half', (_request, socket) => socket.end()],
    ['that says what is no JSON', (_request, socket) => socket.write('no\n')],
  ])('an engine %s rejects what waits, and what comes later', async (_name, answer) => {
    await listen(answer)
    const qmp = await QmpClient.connect(socketPath, signal)
    await expect(qmp.execute('stop')).rejects.toThrow(QmpError)
    await qmp.closed
    await expect(qmp.execute('cont')).rejects.toThrow(QmpError)
  })

  it('says where nobody answers, and gives up on an engine without a greeting', async () => {
    await expect(QmpClient.connect(socketPath, signal)).rejects.toThrow(`QEMU does not answer at ${socketPath}`)
    await listen(() => {}, '')
    await expect(QmpClient.connect(socketPath, signal, 5)).rejects.toThrow('QEMU did not answer its greeting within 0.005 s')
  })

  it('reaches a socket whose path is longer than the kernel takes', async () => {
    const deep = path.join(folder, 'x'.repeat(120))
    await symlink(folder, deep)
    await listen(({ id }, socket) => socket.write(`{"return": {"name": "vm"}, "id": ${id}}\n`))
    const qmp = await eventually(() => QmpClient.connect(path.join(deep, 'qmp.sock'), signal))
    expect(await qmp.execute('query-name')).toEqual({ name: 'vm' })
    qmp.close()
  })
})
