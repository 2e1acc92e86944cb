import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventually } from '../../testing/eventually.js'
import type { Client } from '../client.js'
import { createClient } from '../create-client.js'
import { type SeenRequest, sendStatus, startScriptedServer } from '../test/scripted-server.js'

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

interface Heard {
  readonly events: string[]
  readonly ends: (Error | undefined)[]
  opened: number
  close(): void
}

async function open(script: (response: ServerResponse, request: SeenRequest) => void, watchdogMs = 60_000) {
  const server = await startScriptedServer((request, response) => script(response, request))
  const client = createClient({ server: server.url }, { watchdogMs })
  closing.push(() => client.close(), server.close)
  return { server, client, heard: listen(client) }
}

function listen(client: Client): Heard {
  const events: string[] = []
  const ends: (Error | undefined)[] = []
  const heard: Heard = { events, ends, opened: 0, close: () => stream.close() }
  const stream = client.stream('/watch', {
    open: () => heard.opened++,
    event: (type, data, id) => events.push(`${type} ${data} ${id}`),
    end: (reason) => ends.push(reason),
  })
  return heard
}

const sse = (response: ServerResponse) => response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
const frames = 'event: ADDED\nid: 7\ndata: {"a":"äöü€😀"}\n\n: comment\nevent: BOOKMARK\ndata: {}\n\n'

describe('an event stream', () => {
  it('asks for server-sent events and reads types, data and ids', async () => {
    const { heard, server } = await open((response) => sse(response).write(frames))
    await eventually(() => heard.events.length === 2)
    expect(heard.events).toEqual(['ADDED {"a":"äöü€😀"} 7', 'BOOKMARK {} '])
    expect(heard.opened).toBe(1)
    expect(server.requests[0]?.headers.accept).toBe('text/event-stream')
    heard.close()
  })

  it('reads frames that arrive in any pieces, and drops one that is cut off', async () => {
    const bytes = Buffer.from(frames + frames)
    let step = 0
    const { heard } = await open((response) => {
      sse(response)
      const next = () => {
        const at = step++
        if (at < bytes.length - 1) response.write(bytes.subarray(at, at + 1), () => setImmediate(next))
        else response.end()
      }
      next()
    })
    await eventually(() => heard.ends.length === 1)
    expect(heard.events).toEqual(['ADDED {"a":"äöü€😀"} 7', 'BOOKMARK {} ', 'ADDED {"a":"äöü€😀"} 7'])
  })

  it('ends once, without a reason when the server ended it, and never opens itself again', async () => {
    // The package alone would be back after 3 s: its timer would still be there.
    const shortTimers = vi.spyOn(globalThis, 'setTimeout')
    const { heard } = await open((response) => sse(response).end(frames))
    await eventually(() => heard.ends.length === 1)
    await new Promise((resolve) => setImmediate(resolve))
    const retry = shortTimers.mock.results.find((_result, index) => shortTimers.mock.calls[index]?.[1] === 3_000)
    shortTimers.mockRestore()
    expect(heard.ends).toEqual([undefined])
    expect(retry?.value).toMatchObject({ _destroyed: true })
  })

  it('ends with the Status of an answer that is not 200', async () => {
    const { heard } = await open((response) => sendStatus(response, 410, 'Expired', 'too old'))
    await eventually(() => heard.ends.length === 1)
    expect(heard.ends[0]).toMatchObject({ name: 'ApiError', code: 410, reason: 'Expired', message: 'too old' })
  })

  it('ends with a reason when the connection breaks, is refused, or brings something else', async () => {
    const broken = await open((response) => sse(response).write(': hello\n\n', () => response.destroy()))
    await eventually(() => broken.heard.ends.length === 1)
    expect(broken.heard.ends[0]?.message).toContain('the watch connection to')
    const refused = await open(() => {})
    await refused.server.stop()
    await eventually(() => refused.heard.ends.length === 1)
    const second = listen(refused.client)
    await eventually(() => second.ends.length === 1)
    expect(second.ends[0]?.message).toContain('nothing listens')
    await refused.server.restart()
    const html = await open((response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))
    await eventually(() => html.heard.ends.length === 1)
    expect(html.heard.ends[0]?.message).toContain('answered a watch with text/html')
  })

  it('is kept alive by comments alone, and ended by silence', async () => {
    let timer: NodeJS.Timeout | undefined
    let comments = 0
    const { heard } = await open((response) => {
      sse(response)
      timer = setInterval(() => {
        if (comments < 10) response.write(`: ${++comments}\n\n`)
      }, 50)
    }, 200)
    await eventually(() => heard.ends.length === 1)
    clearInterval(timer)
    expect(comments).toBe(10)
    expect(heard.ends[0]?.message).toContain('has been silent for 200 ms')
  })

  it('is ended by silence before the head of the answer too', async () => {
    const { heard } = await open(() => {}, 50)
    await eventually(() => heard.ends.length === 1)
    expect(heard.ends[0]?.message).toContain('has been silent for 50 ms')
  })

  it('calls nothing once it is closed, and frees its connection', async () => {
    let closed = false
    const { heard, server } = await open((response) => {
      response.on('close', () => {
        closed = true
      })
      sse(response).write(frames)
    })
    await eventually(() => heard.events.length === 2)
    heard.close()
    await eventually(() => closed)
    expect(server.requests).toHaveLength(1)
    expect(heard.ends).toEqual([])
  })
})
