import type { ServerHttp2Stream } from 'node:http2'
import { pipeline } from 'node:stream/promises'
import type { AgentParts } from '../agent-parts.js'
import type { LogLine } from '../backends/backend.js'
import { findMachine, findRuns, machineLines } from './find-subject.js'
import type { LogRequest } from './log-request.js'
import { inChunks, logText } from './log-text.js'

/** Why there is no such log. */
export class NoLogError extends Error {
  override readonly name = 'NoLogError'
}

/** Writes a log as it is read: the reader's pace is that of the file, or of the engine. */
export async function serveLogs(
  request: LogRequest,
  stream: ServerHttp2Stream,
  parts: Pick<AgentParts, 'backends' | 'machines' | 'files'>,
): Promise<void> {
  const ending = new AbortController()
  stream.once('close', () => ending.abort(new Error('the reader went away')))
  const open = request.kind === 'Vps' ? findMachineLog : findRunLog
  const lines = await open(request, parts, ending.signal)
  stream.respond({ ':status': 200, 'content-type': 'text/plain; charset=utf-8' })
  try {
    await pipeline(inChunks(logText(lines, request)), stream)
  } catch (error) {
    if (!ending.signal.aborted) throw error
  } finally {
    ending.abort(new Error('the log is read'))
  }
}

/** Of the newest run of the attempt, or the one before it. */
async function findRunLog(
  request: LogRequest,
  parts: Pick<AgentParts, 'backends' | 'files'>,
  signal: AbortSignal,
): Promise<AsyncIterable<LogLine>> {
  const found = await findRuns(request, parts, signal)
  if (!found) throw new NoLogError(`there is no log of task "${request.name}" on the node`)
  const run = found.runs[request.previous ? 1 : 0]
  if (!run) throw new NoLogError(`there is no previous run of task "${request.name}"`)
  const { follow, tailLines, sinceMs } = request
  const options = {
    logDirectory: parts.files.logs(run.id),
    follow,
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(sinceMs === undefined ? {} : { sinceMs }),
  }
  return found.backend.logs(run.id, options, signal)
}

/** A machine has one log, in which no line says when it was written. */
async function findMachineLog(
  request: LogRequest,
  parts: Pick<AgentParts, 'machines'>,
  signal: AbortSignal,
): Promise<AsyncIterable<LogLine>> {
  const { previous, timestamps, sinceMs, follow, tailLines } = request
  if (previous || timestamps || sinceMs !== undefined)
    throw new RangeError('the log of a Vps has no times and no runs: previous, timestamps and since cannot be asked of it')
  const found = await findMachine(request, parts, signal)
  if (!found) throw new NoLogError(`there is no log of vps "${request.name}" on the node`)
  return machineLines(found.backend, request.uid, { follow, ...(tailLines === undefined ? {} : { tailLines }) }, signal)
}
