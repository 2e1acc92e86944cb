import express, { type Express, type NextFunction, type Request, type Response } from 'express'
import { ApiError, badRequest } from '../../lib/api/api-error.js'
import { discoveryRoutes } from './discovery/discovery-routes.js'
import { healthRoutes } from './health.js'
import { issuerRoutes } from './issuer-routes.js'
import { openapiRoutes } from './openapi/openapi-routes.js'
import type { ServerLife } from './server-life.js'
import type { ServerParts } from './server-parts.js'
import { trpcRoutes } from './trpc/trpc-routes.js'
import { versionInfo } from './version.js'
import { sendError, sendNoSuchPath } from './wire/answer.js'
import { authorize } from './wire/exchange.js'
import { printError } from './wire/print-error.js'

/**
 * Everything that is no resource: discovery, OpenAPI, health, version, metrics, tRPC, the
 * keys of tokens. Authenticated and authorized by path, all of it.
 */
export function createExpressApp(parts: ServerParts, life: ServerLife): Express {
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.set('query parser', 'simple')
  app.use((request, response, next) => {
    const user = parts.authenticate(request)
    response.locals.user = user
    authorize(parts.authorizer, {
      user,
      verb: request.method.toLowerCase(),
      group: '',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
      path: request.path,
    })
    next()
  })
  app.use(healthRoutes(parts, life))
  app.use(discoveryRoutes(parts))
  app.use(openapiRoutes(parts))
  app.use(issuerRoutes(parts))
  app.get('/version', (_request, response) => void response.json(versionInfo))
  app.get('/metrics', async (_request, response) => {
    response.type(parts.metrics.registry.contentType).send(await parts.metrics.registry.metrics())
  })
  app.use('/trpc', trpcRoutes(parts))
  app.use((_request, response) => sendNoSuchPath(response))
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const failure = fromExpress(error)
    if (!(failure instanceof ApiError)) parts.log.error({ path: request.path, error: printError(error) }, 'a request failed')
    sendError(response, failure)
  })
  return app
}

/** Express marks what the client did wrong with a status; its text is about the request alone. */
function fromExpress(error: unknown): unknown {
  const status = (error as { status?: unknown } | undefined)?.status
  return typeof status === 'number' && status >= 400 && status < 500 && error instanceof Error ? badRequest(error.message) : error
}
