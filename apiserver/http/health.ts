import { type Response, Router } from 'express'
import type { ServerLife } from './server-life.js'
import type { ServerParts } from './server-parts.js'

interface Check {
  readonly name: string
  /** Undefined when all is well; else what is wrong, in words. */
  problem(): string | undefined
}

/** /livez says that the process answers; /readyz also that it takes writes and is not being stopped. `?verbose` lists the checks. */
export function healthRoutes({ store }: ServerParts, life: ServerLife): Router {
  const ping: Check = { name: 'ping', problem: () => undefined }
  const writes: Check = {
    name: 'store-writes',
    problem: () => (store.writeState.open ? undefined : `the store takes no writes: ${store.writeState.reason ?? 'closed'}`),
  }
  const shutdown: Check = { name: 'shutdown', problem: () => (life.isDraining ? 'the server is being stopped' : undefined) }
  const routes = Router()
  for (const [path, checks] of Object.entries({ healthz: [ping], livez: [ping], readyz: [ping, writes, shutdown] })) {
    routes.get(`/${path}`, (request, response) => answer(response, path, checks, Object.hasOwn(request.query, 'verbose')))
    for (const check of checks) routes.get(`/${path}/${check.name}`, (_request, response) => answer(response, check.name, [check], false))
  }
  return routes
}

function answer(response: Response, name: string, checks: readonly Check[], verbose: boolean): void {
  const problems = checks.map((check) => ({ check, problem: check.problem() }))
  const failed = problems.some(({ problem }) => problem !== undefined)
  response
    .status(failed ? 503 : 200)
    .type('text/plain')
    .set('Cache-Control', 'no-cache, private')
  if (!failed && !verbose) {
    response.send('ok')
    return
  }
  const lines = problems.map(({ check, problem }) =>
    problem === undefined ? `[+]${check.name} ok` : `[-]${check.name} failed: ${problem}`,
  )
  response.send(`${lines.join('\n')}\n${name} check ${failed ? 'failed' : 'passed'}\n`)
}
