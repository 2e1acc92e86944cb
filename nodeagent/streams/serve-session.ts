import type { ServerHttp2Stream } from 'node:http2'
import { BackendError } from '../backends/backend.js'
import { NotListening } from '../backends/connect-to.js'
import type { AgentParts } from '../execute/workload-context.js'
import { findRuns } from './find-run.js'
import { serveAttach } from './serve-attach.js'
import { serveExec } from './serve-exec.js'
import { serveForward } from './serve-forward.js'
import type { SessionRequest } from './session-request.js'

/** Why there is no session, in words. */
export class RefusedSession extends Error {
  override readonly name = 'RefusedSession'
}

/** Serves exec, attach and port-forward with the newest run of an attempt, as long as it runs and somebody is there. */
export async function serveSession(
  request: SessionRequest,
  stream: ServerHttp2Stream,
  parts: Pick<AgentParts, 'backends' | 'files'>,
): Promise<void> {
  const ending = new AbortController()
  stream.once('close', () => ending.abort(new Error('the client went away')))
  const found = await findRuns(request, parts, ending.signal)
  const run = found?.runs[0]
  if (!found || run?.state !== 'running')
    throw new RefusedSession(`task "${request.name}" does not run on the node${run ? `: it is ${run.state}` : ''}`)
  try {
    switch (request.type) {
      case 'exec':
        return await serveExec(await found.backend.openExec(run.id, request, ending.signal), stream)
      case 'attach':
        return await serveAttach(
          found.backend.logs(run.id, { logDirectory: parts.files.logs(run.id), follow: true, tailLines: 0 }, ending.signal),
          stream,
        )
      case 'portforward':
        return await serveForward(await found.backend.dialPort(run.id, request.port, request.protocol, ending.signal), stream)
    }
  } catch (error) {
    if (error instanceof BackendError || error instanceof NotListening) throw new RefusedSession(error.message, { cause: error })
    throw error
  }
}
