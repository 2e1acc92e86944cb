import { spawn } from 'node:child_process'
import path from 'node:path'
import { freePort } from '../../processes/free-port.js'
import type { Bench } from '../measure.js'

/**
 * Two processes with one HTTP/2 connection over TLS between them, and nothing else: a stream of it
 * for each TCP connection. Resolves with the port to connect to.
 */
export async function startStreamRelays(bench: Bench, clusterDirectory: string, targetPort: number): Promise<number> {
  const between = await freePort()
  const port = await freePort()
  await startRelay(bench, far, clusterDirectory, between, targetPort)
  await startRelay(bench, near, clusterDirectory, between, port)
  return port
}

async function startRelay(bench: Bench, program: string, directory: string, ...ports: number[]): Promise<void> {
  const child = spawn(process.execPath, ['-e', windows + program, path.join(directory, 'apiserver/pki'), ...ports.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  bench.defer(() => void child.kill('SIGKILL'))
  await new Promise<void>((resolve, reject) => {
    child.stdout.once('data', () => resolve())
    child.once('exit', () => reject(new Error('a relay ended')))
  })
}

/** As those of Millrace's own streams. */
const windows = `
const http2 = require('node:http2')
const net = require('node:net')
const { readFileSync } = require('node:fs')
const { pipeline } = require('node:stream')
const [pki, between, port] = process.argv.slice(1)
const settings = { initialWindowSize: 512 * 1024 }
const connectionWindow = 16 * 1024 * 1024
const join = (a, b) => { pipeline(a, b, () => {}); pipeline(b, a, () => {}) }
`

const far = `
const server = http2.createSecureServer({ settings, key: readFileSync(pki + '/serving.key'), cert: readFileSync(pki + '/serving.crt') })
server.on('session', (session) => session.setLocalWindowSize(connectionWindow))
server.on('stream', (stream) => {
  stream.respond({ ':status': 200 })
  join(stream, net.connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true, noDelay: true }))
})
server.listen(Number(between), '127.0.0.1', () => console.log('ready'))
`

const near = `
const session = http2.connect('https://127.0.0.1:' + between, { settings, rejectUnauthorized: false })
session.once('connect', () => {
  session.setLocalWindowSize(connectionWindow)
  net
    .createServer({ allowHalfOpen: true, noDelay: true }, (socket) => join(socket, session.request({ ':method': 'POST', ':path': '/' }, { endStream: false })))
    .listen(Number(port), '127.0.0.1', () => console.log('ready'))
})
`
