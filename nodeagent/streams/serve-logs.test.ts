import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../lib/base/log.js'
import { duplexOverSocket } from '../../lib/stream/duplex-over-socket.js'
import { answeringSession, ask, askingSession } from '../../lib/stream/node-session.js'
import { eventually } from '../../lib/testing/eventually.js'
import { ManualClock } from '../../lib/testing/manual-clock.js'
import type { Backend, LogLine, LogOptions, ObservedRun } from '../backends/backend.js'
import type { WorkloadFiles } from '../tasks/files/workload-files.js'
import { createNodeStreamHandler } from './node-stream-server.js'

const clock = new ManualClock()
const time = (n: number) => `2026-01-01T00:00:0${n}.000000000Z`
const line = (text: string, n = 0, stream: LogLine['stream'] = 'stdout'): LogLine => ({ time: time(n), stream, bytes: Buffer.from(text) })

let lines: (options: LogOptions, signal: AbortSignal) => AsyncIterable<LogLine>
let asked: { run: number; options: LogOptions }[]
let ended: boolean
let server: net.Server
let session: ReturnType<typeof askingSession>
const sockets: net.Socket[] = []

const observed = (run: number): ObservedRun => ({
  id: { uid: 'u-1', attempt: 1, run },
  namespace: 'default',
  name: 'subject',
  state: 'exited',
  runtimeId: '1',
})
const backend = {
  name: 'process',
  observe: async (_signal: AbortSignal, uid?: string) => (uid === 'u-1' ? [observed(0), observed(1)] : []),
  async *logs(id: { run: number }, options: LogOptions, signal: AbortSignal) {
    asked.push({ run: id.run, options })
    try {
      yield* lines(options, signal)
    } finally {
      ended = true
    }
  },
} as unknown as Backend
const files = { logs: ({ run }: { run: number }) => `/logs/${run}` } as unknown as WorkloadFiles

async function* given(...all: LogLine[]) {
  yield* all
}

beforeEach(async () => {
  asked = []
  ended = false
  lines = () => given(line('a\n', 1), line('b', 2), line('c\n', 3))
  const handler = createNodeStreamHandler({
    backends: new Map([['process', backend]]),
    machines: new Map(),
    files,
    log: silentLogger,
    clock,
  })
  server = net.createServer((socket) => {
    sockets.push(socket)
    answeringSession(duplexOverSocket(socket, Buffer.alloc(0)), handler)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
  sockets.push(socket)
  session = askingSession(duplexOverSocket(socket, Buffer.alloc(0)))
})
afterEach(async () => {
  session.destroy()
  for (const socket of sockets.splice(0)) socket.destroy()
  await new Promise((resolve) => server.close(resolve))
})

async function get(path: string): Promise<{ status: number; text: string }> {
  const { status, stream } = await ask(session, { path })
  let text = ''
  for await (const chunk of stream) text += chunk
  return { status, text }
}
const log = (query = '') => get(`/logs/default/subject?uid=u-1&attempt=1${query}`)

describe('the log of a run', () => {
  it('is the newest of the attempt, or the one before it', async () => {
    expect(await log()).toEqual({ status: 200, text: 'a\nbc\n' })
    expect(await log('&previous=true')).toEqual({ status: 200, text: 'a\nbc\n' })
    expect(asked.map(({ run, options }) => [run, options.logDirectory])).toEqual([
      [1, '/logs/1'],
      [0, '/logs/0'],
    ])
  })

  it('has times where they are asked for, one at the beginning of each line', async () => {
    expect((await log('&timestamps=true')).text).toBe(`${time(1)} a\n${time(2)} bc\n`)
  })

  it('keeps the lines of two streams apart', async () => {
    lines = () => given(line('out', 1), line('err\n', 2, 'stderr'), line('put\n', 3))
    expect((await log('&timestamps=true')).text).toBe(`${time(1)} out${time(2)} err\nput\n`)
  })

  it('ends at its limit of bytes, to the byte', async () => {
    for (const [limit, text] of [
      [1, 'a'],
      [2, 'a\n'],
      [3, 'a\nb'],
      [99, 'a\nbc\n'],
    ])
      expect((await log(`&limitBytes=${limit}`)).text).toBe(text)
  })

  it('is read from where it is asked for', async () => {
    await log('&tailLines=5&follow=true&sinceSeconds=60')
    await log(`&sinceTime=${encodeURIComponent('2026-01-01T01:00:00+01:00')}`)
    expect(asked[0]?.options).toMatchObject({ follow: true, tailLines: 5, sinceMs: clock.now() - 60_000 })
    expect(asked[1]?.options).toMatchObject({ follow: false, sinceMs: Date.UTC(2026, 0, 1) })
  })

  it.each([
    ['/logs/default/subject?uid=other&attempt=1', 404, 'there is no log of task "subject" on the node'],
    ['/logs/default/other?uid=u-1&attempt=1', 404, 'there is no log of task "other" on the node'],
    ['/logs/default/subject?uid=u-1&attempt=0', 404, 'there is no log of task "subject" on the node'],
    ['/logs/default/subject?uid=u-1&attempt=1&tailLines=-1', 400, 'tailLines must be a whole number'],
    ['/logs/default/subject?uid=u-1&attempt=1&sinceTime=yesterday', 400, 'sinceTime must be a time'],
    ['/logs/default', 404, 'the agent has no such route'],
    ['/exec/default/subject', 404, 'the agent has no such route'],
  ])('%s is answered %i %s', async (path, status, text) => {
    expect(await get(path)).toEqual({ status, text })
  })

  it('that fails in the middle is no short success', async () => {
    lines = async function* () {
      yield line('a\n')
      throw new Error('the disk is gone')
    }
    await expect(log()).rejects.toThrow()
  })
})

describe('a reader', () => {
  it('that does not read holds up the log, and nothing piles up', async () => {
    let pulled = 0
    lines = async function* () {
      for (;;) {
        pulled++
        yield line(`${'x'.repeat(1023)}\n`)
      }
    }
    const { stream } = await ask(session, { path: '/logs/default/subject?uid=u-1&attempt=1' })
    let before = -1
    await eventually(
      () => {
        const still = pulled === before
        before = pulled
        return still
      },
      { intervalMs: 100 },
    )
    expect(pulled).toBeGreaterThan(0)
    expect(pulled).toBeLessThan(8 * 1024)
    stream.destroy()
    await eventually(() => ended)
  })

  it('that goes away ends the reading', async () => {
    lines = async function* (_options, signal) {
      yield line('a\n')
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const { stream } = await ask(session, { path: '/logs/default/subject?uid=u-1&attempt=1&follow=true' })
    await new Promise((resolve) => stream.once('data', resolve))
    stream.destroy()
    await eventually(() => ended)
  })

  it('gets a line at once, not when more have come', async () => {
    let more: () => void = () => {}
    lines = async function* () {
      yield line('first\n')
      await new Promise<void>((resolve) => {
        more = resolve
      })
      yield line('second\n')
    }
    const { stream } = await ask(session, { path: '/logs/default/subject?uid=u-1&attempt=1&follow=true' })
    const chunks: string[] = []
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString()))
    await eventually(() => expect(chunks).toEqual(['first\n']))
    more()
    await new Promise((resolve) => stream.once('end', resolve))
    expect(chunks.join('')).toBe('first\nsecond\n')
  })
})
