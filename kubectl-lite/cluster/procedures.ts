import { createTRPCClient, httpLink, TRPCClientError } from '@trpc/client'
import type { AppRouter } from '../../apiserver/http/trpc/app-router.js'
import type { Cluster } from './cluster.js'

/** The server's procedures, typed by its router, over the same connection and identity as every other request. */
export function createProcedures(cluster: Cluster) {
  // Only path and query count: the cluster's client knows the server.
  const base = 'http://cluster.invalid'
  return createTRPCClient<AppRouter>({
    links: [
      httpLink({
        url: `${base}/trpc`,
        async fetch(url) {
          const answer = await cluster.client.raw({ method: 'GET', path: String(url).slice(base.length) })
          const text = await answer.text()
          return { status: answer.status, ok: true, body: null, text: async () => text, json: async () => JSON.parse(text) as unknown }
        },
      }),
    ],
  })
}

/** A failure as the rest of the API would have reported it. */
export function unwrapProcedureError(error: unknown): unknown {
  return error instanceof TRPCClientError && error.cause ? error.cause : error
}
