/** etcd from Debian, spoken to over gRPC with nothing but node:http2: the peer of the store's rows. */
import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import http2 from 'node:http2'
import path from 'node:path'
import { freePort } from '../../processes/free-port.js'
import type { Bench } from '../measure.js'

export interface Etcd {
  readonly pid: number
  readonly url: string
}

/** Starts a single etcd on loopback; undefined when the machine has none. */
export async function startEtcd(bench: Bench): Promise<Etcd | undefined> {
  const [clientPort, peerPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${clientPort}`
  const directory = path.join(bench.directory, `etcd-${clientPort}`)
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const child = spawn(
    'etcd',
    [
      '--data-dir',
      directory,
      '--listen-client-urls',
      url,
      '--advertise-client-urls',
      url,
      '--listen-peer-urls',
      `http://127.0.0.1:${peerPort}`,
      '--initial-advertise-peer-urls',
      `http://127.0.0.1:${peerPort}`,
      '--initial-cluster',
      `default=http://127.0.0.1:${peerPort}`,
      '--log-level',
      'error',
    ],
    { stdio: 'ignore' },
  )
  const started = await new Promise<boolean>((resolve) => {
    child.once('spawn', () => resolve(true))
    child.once('error', () => resolve(false))
  })
  if (!started || child.pid === undefined) return undefined
  bench.defer(
    () =>
      new Promise<void>((resolve) => {
        child.once('exit', () => resolve())
        if (!child.kill('SIGKILL')) resolve()
      }),
  )
  const deadline = performance.now() + 20_000
  for (;;) {
    const up = await fetch(`${url}/health`)
      .then((response) => response.ok)
      .catch(() => false)
    if (up) return { pid: child.pid, url }
    if (performance.now() > deadline) throw new Error('etcd did not become healthy in 20 s')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Calls of one HTTP/2 connection. */
export interface EtcdClient {
  put(key: string, value: Buffer): Promise<void>
  /** Watches a prefix; `onEvents` gets the number of events of each answer. */
  watchPrefix(prefix: string, onEvents: (count: number) => void): Promise<void>
  close(): void
}

export async function connectEtcd(url: string): Promise<EtcdClient> {
  const session = http2.connect(url)
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject))
  const call = (method: string) =>
    session.request({ ':method': 'POST', ':path': method, 'content-type': 'application/grpc', te: 'trailers' })
  return {
    put(key, value) {
      return new Promise((resolve, reject) => {
        const stream = call('/etcdserverpb.KV/Put')
        stream.on('trailers', (trailers) => {
          if (trailers['grpc-status'] === '0') resolve()
          else reject(new Error(`etcd put: ${trailers['grpc-message']}`))
        })
        stream.on('error', reject)
        stream.resume()
        stream.end(frame(Buffer.concat([field(1, Buffer.from(key)), field(2, value)])))
      })
    },
    watchPrefix(prefix, onEvents) {
      return new Promise((resolve, reject) => {
        const stream = call('/etcdserverpb.Watch/Watch')
        const start = Buffer.from(prefix)
        const end = Buffer.from(start)
        end[end.length - 1] = (end[end.length - 1] ?? 0) + 1
        let rest: Buffer = Buffer.alloc(0)
        let created = false
        stream.on('data', (chunk: Buffer) => {
          rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
          while (rest.length >= 5) {
            const length = rest.readUInt32BE(1)
            if (rest.length < 5 + length) break
            const events = countField(rest.subarray(5, 5 + length), 11)
            rest = rest.subarray(5 + length)
            if (!created) {
              created = true
              resolve()
            }
            if (events > 0) onEvents(events)
          }
        })
        stream.on('error', reject)
        stream.write(frame(field(1, Buffer.concat([field(1, start), field(2, end)]))))
      })
    },
    close: () => session.destroy(),
  }
}

/** gRPC's prefix: not compressed, length. */
function frame(message: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

/** A length-delimited protobuf field. */
function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest & 127) | 128)
    rest >>>= 7
  }
  return Buffer.from([...bytes, rest])
}

/** How often a field occurs at the top level of a message. */
function countField(message: Buffer, number: number): number {
  let at = 0
  let count = 0
  const read = () => {
    let value = 0
    let shift = 0
    for (;;) {
      const byte = message[at++] ?? 0
      value += (byte & 127) * 2 ** shift
      if (byte < 128) return value
      shift += 7
    }
  }
  while (at < message.length) {
    const tag = read()
    const value = read()
    if (tag >>> 3 === number) count++
    if ((tag & 7) === 2) at += value
  }
  return count
}
