/**
 * tRPC at /trpc: what is no resource. Each procedure asks the authorizer about every object that it shows. Clients import the router's type
 * alone:
 *
 *     import type { AppRouter } from '…/apiserver/http/trpc/app-router.js'
 *
 * The plain form is `GET /trpc/PROCEDURE?input=JSON`; docs/trpc.md describes it.
 */
import { initTRPC, TRPCError } from '@trpc/server'
import { ApiError } from '../../../lib/api/api-error.js'
import type { UserInfo } from '../../auth/user.js'
import type { ServerParts } from '../server-parts.js'
import { toApiError } from '../wire/answer.js'
import { readHistory } from './history.js'
import { parseObjectInput, parseSummaryInput } from './procedure-input.js'
import { summarize } from './summary.js'
import { explainWhy } from './why.js'

export interface ProcedureContext {
  readonly parts: ServerParts
  readonly user: UserInfo
}

export type AppRouter = ReturnType<typeof createAppRouter>

export function createAppRouter() {
  const trpc = initTRPC.context<ProcedureContext>().create({
    isDev: false,
    errorFormatter: ({ shape, error }) => ({ ...shape, data: { ...shape.data, status: statusOf(error) } }),
  })
  const procedure = trpc.procedure.use(async ({ next }) => {
    const result = await next()
    if (!result.ok && result.error.cause instanceof ApiError) throw asTrpcError(result.error.cause)
    return result
  })
  return trpc.router({
    /** What is desired of an object, what is the case, and every reason between. */
    why: procedure.input(parseObjectInput).query(({ ctx, input }) => explainWhy(ctx, input)),
    /** Who changed what, revision by revision, and where the window begins. */
    history: procedure.input(parseObjectInput).query(({ ctx, input }) => readHistory(ctx, input)),
    /** Counts of objects by kind and phase, and of nodes by readiness. */
    summary: procedure.input(parseSummaryInput).query(({ ctx, input }) => summarize(ctx, input)),
  })
}

const trpcCodes = {
  400: 'BAD_REQUEST',
  401: 'UNAUTHORIZED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  409: 'CONFLICT',
  422: 'UNPROCESSABLE_CONTENT',
  429: 'TOO_MANY_REQUESTS',
  503: 'SERVICE_UNAVAILABLE',
} as const

function asTrpcError(error: ApiError): TRPCError {
  const code = trpcCodes[error.code as keyof typeof trpcCodes] ?? 'INTERNAL_SERVER_ERROR'
  return new TRPCError({ code, message: error.message, cause: error })
}

/** Every failure carries the Status that the rest of the API would have answered. */
function statusOf(error: TRPCError) {
  if (error.cause instanceof ApiError) return error.cause.toStatus()
  if (error.code === 'INTERNAL_SERVER_ERROR') return toApiError(error).toStatus()
  return new ApiError(error.code === 'NOT_FOUND' ? 'NotFound' : 'BadRequest', error.message).toStatus()
}
