import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { connectDatagrams } from '../connect-datagrams.js'
import { connectTo, NotListening } from '../connect-to.js'
import { findScript } from '../find-script.js'

const searchPath = '/usr/local/bin:/usr/bin:/bin'

/**
 * Connects to a port of a container; by udp, with datagrams framed (lib/stream/datagrams.ts). As root from inside of its network, where it may listen on its
 * loopback alone; else to its address, if it has one.
 */
export function dialContainer(
  container: Docker.ContainerInspectInfo,
  port: number,
  protocol: 'tcp' | 'udp',
  signal: AbortSignal,
): Promise<Duplex> {
  if (process.getuid?.() === 0 && container.State.Pid > 1) return dialInside(container.State.Pid, port, protocol, signal)
  const addresses = Object.values(container.NetworkSettings.Networks).map((network) => network.IPAddress)
  const address = addresses.find((candidate) => candidate !== '')
  if (address === undefined) throw new NotListening('the container has no address that could be connected to')
  return protocol === 'udp' ? connectDatagrams(address, port, signal) : connectTo(address, port, signal)
}

const scripts = { tcp: 'docker/connect.pl', udp: 'docker/connect-datagrams.pl' } as const

function dialInside(pid: number, port: number, protocol: 'tcp' | 'udp', signal: AbortSignal): Promise<Duplex> {
  const helper = spawn('perl', [findScript(scripts[protocol]), String(pid), String(port)], {
    cwd: '/',
    env: { PATH: searchPath },
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const stdout = helper.stdout as Socket
  return new Promise((resolve, reject) => {
    const fail = (why: string) => {
      helper.kill('SIGKILL')
      reject(new NotListening(`port ${port} cannot be connected to: ${why}`))
    }
    const onAbort = () => fail('nobody waits for it any more')
    const onClose = () => fail('it was broken off')
    signal.addEventListener('abort', onAbort, { once: true })
    helper.once('error', (error) => fail(error.message))
    helper.stdin.on('error', () => {}) // the duplex learns of it
    let said = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      said = Buffer.concat([said, chunk])
      const end = said.indexOf(10)
      if (end < 0) return
      stdout.off('data', onData).off('close', onClose).pause()
      signal.removeEventListener('abort', onAbort)
      const line = said.toString('utf8', 0, end)
      if (line !== 'connected') return fail(line)
      if (said.length > end + 1) stdout.unshift(said.subarray(end + 1))
      resolve(overHelper(helper))
    }
    stdout.on('data', onData)
    stdout.once('close', onClose)
  })
}

/** The helper's input and output as one stream. */
function overHelper(helper: ChildProcess): Duplex {
  const { stdin, stdout } = helper
  if (!stdin || !stdout) throw new Error('the helper has no pipes')
  const duplex = Duplex.from({ readable: stdout, writable: stdin })
  duplex.on('error', () => {}) // who reads or writes learns of it
  duplex.once('close', () => helper.kill('SIGKILL'))
  return duplex
}
