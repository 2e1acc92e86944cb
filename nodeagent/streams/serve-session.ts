import type { ServerHttp2Stream } from 'node:http2'
import type { Duplex } from 'node:stream'
import type { AgentParts } from '../agent-parts.js'
import { BackendError } from '../backends/backend.js'
import { NotListening } from '../backends/connect-to.js'
import { findSubject } from './find-subject.js'
import { serveAttach } from './serve-attach.js'
import { serveConsole } from './serve-console.js'
import { serveExec } from './serve-exec.js'
import { serveForward } from './serve-forward.js'
import type { SessionRequest } from './session-request.js'

/** Why there is no session, in words. */
export class RefusedSession extends Error {
  override readonly name = 'RefusedSession'
}

/** Serves a session with the newest run of an attempt, or with a machine, as long as it runs and somebody is there. */
export async function serveSession(
  request: SessionRequest,
  { stream, bytes }: { readonly stream: ServerHttp2Stream; readonly bytes: Duplex },
  parts: Pick<AgentParts, 'backends' | 'machines' | 'files'>,
): Promise<void> {
  const ending = new AbortController()
  stream.once('close', () => ending.abort(new Error('the client went away')))
  const called = `${request.kind.toLowerCase()} "${request.name}"`
  const { signal } = ending
  try {
    const subject = await findSubject(request, parts, signal)
    if (subject?.state !== 'running')
      throw new RefusedSession(`${called} does not run on the node${subject ? `: it is ${subject.state}` : ''}`)
    switch (request.type) {
      case 'exec':
        return await serveExec(await subject.openExec(request, signal), stream)
      case 'attach':
        return await serveAttach(subject.listen(signal), stream)
      case 'portforward':
        return await serveForward(await subject.dialPort(request.port, request.protocol, signal), stream, bytes)
      case 'sftp':
        if (!subject.openFiles) throw new RefusedSession(`${called} has no SFTP; its files are copied by way of exec`)
        return await serveForward(await subject.openFiles(signal), stream, bytes)
      case 'console':
        if (!subject.openConsole) throw new RefusedSession(`${called} has no console`)
        return await serveConsole(await subject.openConsole(signal), stream)
    }
  } catch (error) {
    if (error instanceof BackendError || error instanceof NotListening) throw new RefusedSession(error.message, { cause: error })
    throw error
  }
}
