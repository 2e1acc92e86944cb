/**
 * Row 22: bytes through a Tunnel (client, gateway, agent, target), against bare relays of one HTTP/2 stream over TLS and against `ssh -L`.
 */
import { once } from 'node:events'
import net from 'node:net'
import { startCluster } from '../../processes/cluster.js'
import { freePort } from '../../processes/free-port.js'
import { interleave, type Measurement, median, type Row, spreadOf, until } from '../measure.js'
import { startSshForward } from '../peers/ssh-forward.js'
import { startStreamRelays } from '../peers/stream-relays.js'

const mebibyte = 1024 * 1024
const transferBytes = 128 * mebibyte
const clients = 20

export const tunnels: Row = {
  rows: [22],
  name: 'tunnels',
  async run(bench) {
    const cluster = await startCluster(bench, { backends: 'process' })
    const target = await freePort()
    cluster.apply(manifests(target))
    cluster.kubectl('wait', 'task/source', '--for=condition=Running', '--timeout=60s')
    cluster.kubectl('wait', 'tunnel/way', '--for=condition=TargetReady', '--timeout=60s')
    const tunnel = Number(cluster.kubectl('get', 'tunnel', 'way', '-o', 'jsonpath={.spec.listen.port}'))
    const bare = await startStreamRelays(bench, cluster.directory, target)
    const ssh = await startSshForward(bench, target)
    if (ssh === undefined) bench.say('there is no OpenSSH: left out')
    for (const port of [tunnel, bare, ...(ssh === undefined ? [] : [ssh])])
      await until(`port ${port}`, 60_000, async () => (await download(port, mebibyte).catch(() => 0)) > 0)
    const down = await interleave(bench.rounds, {
      direct: () => download(target),
      ours: () => download(tunnel),
      bare: () => download(bare),
      ssh: async () => (ssh === undefined ? Number.NaN : await download(ssh)),
    })
    const up = await interleave(bench.rounds, {
      ours: () => upload(tunnel),
      bare: () => upload(bare),
      ssh: async () => (ssh === undefined ? Number.NaN : await upload(ssh)),
    })
    const many = await interleave(bench.rounds, {
      ours: () => downloadMany(tunnel),
      bare: () => downloadMany(bare),
      ssh: async () => (ssh === undefined ? Number.NaN : await downloadMany(ssh)),
    })
    const asked = await interleave(bench.rounds, { ours: () => roundTrips(tunnel), bare: () => roundTrips(bare) })
    bench.say(`without anything between: ${median(down.direct).toFixed(0)} MiB/s`)
    return [
      ...against('download, one connection', down),
      ...against('upload, one connection', up),
      ...against(`download, ${clients} connections at once`, many),
      {
        row: 22,
        what: 'a connection opened, one byte there and back, p50',
        unit: 'ms',
        ours: median(asked.ours),
        peer: { name: 'bare HTTP/2 relays', value: median(asked.bare) },
        goal: '',
        spread: spreadOf(asked.ours),
      },
    ]
  },
}

interface Rates {
  readonly ours: readonly number[]
  readonly bare: readonly number[]
  readonly ssh: readonly number[]
}

function against(what: string, { ours, bare, ssh }: Rates): Measurement[] {
  const [mine, relays, forward] = [median(ours), median(bare), median(ssh)]
  const figure = { row: 22, what, unit: 'MiB/s', ours: mine, spread: spreadOf(ours) }
  return [
    { ...figure, peer: { name: 'bare HTTP/2 relays', value: relays }, goal: '≥ 0.5 ×', reached: mine >= 0.5 * relays },
    ...(Number.isNaN(forward) ? [] : [{ ...figure, peer: { name: 'ssh -L', value: forward }, goal: '≥ 1 ×', reached: mine >= forward }]),
  ]
}

/** MiB/s. */
async function download(port: number, bytes = transferBytes): Promise<number> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const began = performance.now()
  socket.write(`get ${bytes}\n`)
  await new Promise<void>((resolve, reject) => {
    let left = bytes
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left === 0) resolve()
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the connection ended early')))
  })
  socket.destroy()
  return bytes / mebibyte / ((performance.now() - began) / 1000)
}

async function downloadMany(port: number): Promise<number> {
  const began = performance.now()
  await Promise.all(Array.from({ length: clients }, () => download(port, Math.floor(transferBytes / clients))))
  return transferBytes / mebibyte / ((performance.now() - began) / 1000)
}

async function upload(port: number): Promise<number> {
  const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const began = performance.now()
  const answered = once(socket, 'data')
  socket.write(`put ${transferBytes}\n`)
  const chunk = Buffer.alloc(64 * 1024)
  for (let sent = 0; sent < transferBytes; sent += chunk.length) if (!socket.write(chunk)) await once(socket, 'drain')
  await answered
  socket.destroy()
  return transferBytes / mebibyte / ((performance.now() - began) / 1000)
}

/** The median of some, milliseconds. */
async function roundTrips(port: number): Promise<number> {
  const took: number[] = []
  for (let count = 0; count < 50; count++) {
    const began = performance.now()
    await download(port, 1)
    took.push(performance.now() - began)
  }
  return median(took)
}

/** Answers `get N` with N bytes, and `put N` and N bytes with one. */
const source = (port: number) => `
const chunk = Buffer.alloc(64 * 1024)
require('node:net').createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {})
  socket.once('data', (first) => {
    const line = first.subarray(0, first.indexOf(10)).toString().split(' ')
    let left = Number(line[1])
    if (line[0] === 'get') {
      const write = () => {
        while (left > 0) {
          const piece = left < chunk.length ? chunk.subarray(0, left) : chunk
          left -= piece.length
          if (!socket.write(piece)) return void socket.once('drain', write)
        }
      }
      write()
    } else {
      const hear = (piece) => { left -= piece.length; if (left <= 0) socket.write('.') }
      hear(first.subarray(first.indexOf(10) + 1))
      socket.on('data', hear)
    }
  })
}).listen(${port}, '127.0.0.1')
`

const manifests = (port: number) =>
  [
    {
      apiVersion: 'millrace.dev/v1',
      kind: 'Task',
      metadata: { name: 'source' },
      spec: { command: [process.execPath, '-e', source(port)] },
    },
    {
      apiVersion: 'millrace.dev/v1',
      kind: 'Tunnel',
      metadata: { name: 'way' },
      spec: { target: { kind: 'Task', name: 'source', port }, listen: { address: '127.0.0.1' } },
    },
  ]
    .map((manifest) => JSON.stringify(manifest))
    .join('\n---\n')
