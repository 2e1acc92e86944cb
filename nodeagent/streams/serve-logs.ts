import type { ServerHttp2Stream } from 'node:http2'
import { pipeline } from 'node:stream/promises'
import type { Backend, ObservedRun } from '../backends/backend.js'
import type { AgentParts } from '../execute/workload-context.js'
import { findRuns } from './find-run.js'
import type { LogRequest } from './log-request.js'
import { inChunks, logText } from './log-text.js'

/** Why there is no such log. */
export class NoLogError extends Error {
  override readonly name = 'NoLogError'
}

/** Writes the log of a run as it is read: the reader's pace is that of the file, or of the engine. */
export async function serveLogs(
  request: LogRequest,
  stream: ServerHttp2Stream,
  parts: Pick<AgentParts, 'backends' | 'files'>,
): Promise<void> {
  const ending = new AbortController()
  stream.once('close', () => ending.abort(new Error('the reader went away')))
  const { backend, run } = await findRun(request, parts, ending.signal)
  const { follow, timestamps, tailLines, sinceMs, limitBytes } = request
  const options = {
    logDirectory: parts.files.logs(run.id),
    follow,
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  }
  stream.respond({ ':status': 200, 'content-type': 'text/plain; charset=utf-8' })
  const lines = backend.logs(run.id, options, ending.signal)
  try {
    await pipeline(inChunks(logText(lines, { timestamps, limitBytes })), stream)
  } catch (error) {
    if (!ending.signal.aborted) throw error
  } finally {
    ending.abort(new Error('the log is read'))
  }
}

/** The newest run of the attempt, or the one before it. */
async function findRun(
  request: LogRequest,
  parts: Pick<AgentParts, 'backends'>,
  signal: AbortSignal,
): Promise<{ backend: Backend; run: ObservedRun }> {
  const found = await findRuns(request, parts, signal)
  if (!found) throw new NoLogError(`there is no log of task "${request.name}" on the node`)
  const run = found.runs[request.previous ? 1 : 0]
  if (!run) throw new NoLogError(`there is no previous run of task "${request.name}"`)
  return { backend: found.backend, run }
}
