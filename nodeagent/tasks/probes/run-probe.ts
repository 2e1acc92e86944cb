import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:net'
import type { TaskProbe } from '../../../lib/api/kinds/task.js'
import type { Backend, RunId } from '../../backends/backend.js'

/** What a probe looks at. */
export interface ProbeTarget {
  readonly backend: Backend
  readonly id: RunId
  /** Where the run's ports are; loopback for processes, which have the node's. */
  readonly address: string
}

/** Undefined: it succeeded; otherwise why not, in words. */
export type ProbeOutcome = string | undefined

const longestMessage = 256

/** Probes once. Never rejects: what goes wrong is the outcome. */
export async function runProbe(probe: TaskProbe, target: ProbeTarget, stop: AbortSignal): Promise<ProbeOutcome> {
  const deadline = AbortSignal.timeout(probe.timeoutSeconds * 1000)
  const signal = AbortSignal.any([deadline, stop])
  try {
    if (probe.exec) return await probeExec(probe.exec.command, target, signal)
    if (probe.http) return await probeHttp(probe.http, target.address, signal)
    if (probe.tcp) return await probeTcp(probe.tcp.port, target.address, signal)
    return 'the probe names nothing to do'
  } catch (error) {
    if (deadline.aborted) return `no answer within ${probe.timeoutSeconds} s`
    return (error instanceof Error ? error.message : String(error)).slice(0, longestMessage)
  }
}

async function probeExec(command: readonly string[], { backend, id }: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
  const { exitCode, output } = await backend.exec(id, command, signal)
  return exitCode === 0 ? undefined : `the command ended with exit code ${exitCode}: ${output.trim().slice(0, longestMessage)}`
}

/** Redirects are not followed: a probe goes to the workload and nowhere else. */
function probeHttp({ path, port, scheme }: NonNullable<TaskProbe['http']>, host: string, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const options = {
      host,
      port,
      path,
      signal,
      agent: false,
      headers: { 'user-agent': 'millrace-probe', accept: '*/*' },
      rejectUnauthorized: false,
    }
    const request = (scheme === 'HTTPS' ? https : http).get(options, (response) => {
      const code = response.statusCode ?? 0
      response.destroy()
      resolve(code >= 200 && code < 400 ? undefined : `HTTP answered with code ${code}`)
    })
    request.on('error', reject)
  })
}

function probeTcp(port: number, host: string, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    const onAbort = () => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('connect', () => {
      signal.removeEventListener('abort', onAbort)
      socket.destroy()
      resolve(undefined)
    })
    socket.on('error', reject)
  })
}
