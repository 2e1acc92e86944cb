import { createExpressMiddleware } from '@trpc/server/adapters/express'
import type { RequestHandler } from 'express'
import type { UserInfo } from '../../auth/user.js'
import type { ServerParts } from '../server-parts.js'
import { printError } from '../wire/print-error.js'
import { createAppRouter } from './app-router.js'

/** Answers /trpc. The caller is in `response.locals.user`. */
export function trpcRoutes(parts: ServerParts): RequestHandler {
  return createExpressMiddleware({
    router: createAppRouter(),
    maxBatchSize: 20,
    createContext: ({ res }) => ({ parts, user: res.locals.user as UserInfo }),
    onError({ error, path }) {
      if (error.code === 'INTERNAL_SERVER_ERROR') parts.log.error({ procedure: path, error: printError(error) }, 'a procedure failed')
    },
  })
}
