import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, it } from 'vitest'
import { Engine } from '../engine/engine.js'
import { stopContainer } from './end-container.js'

it('a container that is told to end with no time for it is not waited for until it hears', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'mr-ec-'))
  const socketPath = path.join(folder, 's')
  const deaf = spawn('sleep', ['600'], { stdio: 'ignore' })
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    // As long as it has only just begun, it may still say that it hears.
    const State = { Running: true, Paused: false, Pid: deaf.pid, StartedAt: '2999-01-01T00:00:00Z' }
    if (request.method === 'GET') response.setHeader('content-type', 'application/json').end(JSON.stringify({ State }))
    else response.writeHead(204).end()
  }).listen(socketPath)
  await once(server, 'listening')
  try {
    const engine = await Engine.open(socketPath)
    await stopContainer(engine, 'c', 0, AbortSignal.timeout(60_000))
    expect(asked).toEqual(['GET /containers/c/json', 'POST /containers/c/stop?t=0'])
    const waiting = new AbortController()
    const stopping = stopContainer(engine, 'c', 1_000, waiting.signal)
    await once(server, 'request')
    waiting.abort(new Error('it waited'))
    await expect(stopping).rejects.toThrow('it waited')
    expect(asked).toHaveLength(3)
  } finally {
    deaf.kill('SIGKILL')
    server.closeAllConnections()
    server.close()
    await rm(folder, { recursive: true, force: true })
  }
})
