/** User-mode networking: QEMU itself is the machine's router, and lets the node in at ports of its loopback that it is asked to open. */
import dgram from 'node:dgram'
import { once } from 'node:events'
import { BackendError } from '../../backend.js'
import type { AskMachine } from './backup-disk.js'
import { cardName } from './machine-arguments.js'

const sshPort = 22
const tries = 5

export interface Forward {
  readonly protocol: 'tcp' | 'udp'
  /** On the node's loopback. */
  readonly port: number
  readonly guestPort: number
}

/** The port of the node's loopback that leads to the machine's sshd; QEMU opens it at its start. */
export async function sshForward(ask: AskMachine, signal: AbortSignal): Promise<number> {
  const found = parseForwards(await monitor(ask, 'info usernet', signal)).find(
    ({ protocol, guestPort }) => protocol === 'tcp' && guestPort === sshPort,
  )
  if (found) return found.port
  throw new BackendError('StartFailed', 'the machine has no way in: QEMU forwards no port to its sshd', true)
}

/** Opens a port of the node's loopback that leads to a UDP port of the machine, for one caller. */
export async function openUdpForward(
  ask: AskMachine,
  guestPort: number,
  signal: AbortSignal,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  for (let attempt = 0; ; attempt++) {
    const port = await freeUdpPort()
    const said = await monitor(ask, `hostfwd_add ${cardName} udp:127.0.0.1:${port}-:${guestPort}`, signal)
    if (said.trim() === '') {
      const close = async () => {
        await monitor(ask, `hostfwd_remove ${cardName} udp:127.0.0.1:${port}`, AbortSignal.timeout(10_000)).catch(() => {}) // it went
      }
      return { port, close }
    }
    if (attempt >= tries) throw new BackendError('StartFailed', `QEMU opened no port to the machine: ${said.trim()}`, true)
  }
}

/** The lines of `info usernet`: `TCP[HOST_FORWARD]  12  127.0.0.1 37097  10.0.2.15 22  0 0`. */
export function parseForwards(text: string): Forward[] {
  return [...text.matchAll(/^\s*(TCP|UDP)\[HOST_FORWARD\]\s+\d+\s+\S+\s+(\d+)\s+\S+\s+(\d+)/gm)].map(([, protocol, port, guestPort]) => ({
    protocol: protocol === 'TCP' ? 'tcp' : 'udp',
    port: Number(port),
    guestPort: Number(guestPort),
  }))
}

async function monitor(ask: AskMachine, line: string, signal: AbortSignal): Promise<string> {
  return String(await ask((qmp) => qmp.execute('human-monitor-command', { 'command-line': line }, { signal }), signal))
}

async function freeUdpPort(): Promise<number> {
  const socket = dgram.createSocket('udp4')
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  await new Promise<void>((resolve) => socket.close(() => resolve()))
  return port
}
