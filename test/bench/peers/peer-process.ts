import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { targetOf } from '../../processes/api-server.js'
import type { Target } from '../../processes/connection.js'
import { freePort } from '../../processes/free-port.js'
import type { Bench } from '../measure.js'

export interface PeerProcess {
  readonly target: Target
  residentBytes(): number
}

/** What every peer server's program starts with: its TLS options from a cluster's certificate, and `listen()`. */
const preamble = `
const { createServer } = require('node:https')
const { readFileSync } = require('node:fs')
const [directory, port, ...options] = process.argv.slice(1)
const tls = { key: readFileSync(directory + '/apiserver/pki/serving.key'), cert: readFileSync(directory + '/apiserver/pki/serving.crt') }
const serve = (handler) => createServer(tls, handler).listen(Number(port), '127.0.0.1', () => console.log('ready'))
`

/** Runs a small server in a process of its own, under the certificate of a cluster; `program` calls `serve(handler)`. */
export async function startPeer(bench: Bench, clusterDirectory: string, program: string, ...options: string[]): Promise<PeerProcess> {
  const port = await freePort()
  const child = spawn(process.execPath, ['-e', preamble + program, clusterDirectory, String(port), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  bench.defer(() => void child.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', () => reject(new Error('the peer ended')))
  })
  return {
    target: targetOf(path.join(clusterDirectory, 'admin.kubeconfig'), port),
    residentBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024,
  }
}
