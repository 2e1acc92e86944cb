/**
 * The health and metrics endpoint of a program that is a client of the API:
 * `/healthz`, `/readyz`, `/metrics`, plain HTTP, for the machine itself.
 *
 *     const endpoint = await serveHealth({ port: 10259, host: '127.0.0.1', ready: () => synced, metrics: () => registry.metrics() })
 *     await endpoint.close()
 */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HealthOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Whether the program does its work, or stands by to. */
  readonly ready: () => boolean
  /** Prometheus' text format. */
  readonly metrics: () => Promise<string>
}

export interface HealthEndpoint {
  readonly port: number
  close(): Promise<void>
}

export async function serveHealth({ host, port, ready, metrics }: HealthOptions): Promise<HealthEndpoint> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0]
    if (request.method !== 'GET') answer(response, 405, 'only GET\n')
    else if (path === '/healthz' || path === '/livez') answer(response, 200, 'ok\n')
    else if (path === '/readyz') answer(response, ready() ? 200 : 503, ready() ? 'ok\n' : 'not ready\n')
    else if (path === '/metrics')
      metrics().then(
        (text) => answer(response, 200, text, 'text/plain; version=0.0.4; charset=utf-8'),
        () => answer(response, 500, 'the metrics could not be collected\n'),
      )
    else answer(response, 404, 'there are /healthz, /readyz and /metrics\n')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(response: ServerResponse, code: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(code, { 'Content-Type': type }).end(text)
}
