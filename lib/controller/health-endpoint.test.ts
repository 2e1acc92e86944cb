import { expect, it } from 'vitest'
import { serveHealth } from './health-endpoint.js'

it('the health endpoint says whether the program is ready, and what it counts', async () => {
  let ready = false
  const endpoint = await serveHealth({ host: '127.0.0.1', port: 0, ready: () => ready, metrics: async () => 'a 1\n' })
  const get = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`, { method })
    return `${response.status} ${await response.text()}`
  }
  expect(await get('/healthz')).toBe('200 ok\n')
  expect(await get('/readyz')).toBe('503 not ready\n')
  ready = true
  expect(await get('/readyz?verbose')).toBe('200 ok\n')
  expect(await get('/metrics')).toBe('200 a 1\n')
  expect(await get('/nothing')).toMatch(/^404/)
  expect(await get('/healthz', 'POST')).toMatch(/^405/)
  await endpoint.close()
})

it('a taken port is an error, not a crash', async () => {
  const options = { host: '127.0.0.1', ready: () => true, metrics: async () => '' }
  const endpoint = await serveHealth({ ...options, port: 0 })
  await expect(serveHealth({ ...options, port: endpoint.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await endpoint.close()
})
