import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeChunk } from '../../../../lib/stream/write-chunk.js'
import { eventually } from '../../../../lib/testing/eventually.js'
import { GuestSessions } from './guest-sessions.js'
import { controlPipe, socketName } from './microvm-arguments.js'

let directory: string
const servers: net.Server[] = []
const sockets: net.Socket[] = []
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'mr-guest-'))
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve))
  await rm(directory, { recursive: true, force: true })
})

/** A port of the guest; resolves with the agent's connection to it. */
function port(name: string): Promise<net.Socket> {
  return new Promise((resolve) => {
    const server = net.createServer((socket) => {
      sockets.push(socket)
      resolve(socket.on('error', () => {}).resume())
    })
    servers.push(server.listen(path.join(directory, socketName(name))))
  })
}

/** A session with a terminal, in a guest that begins it at once; `talk` is the guest's end. */
async function terminalSession() {
  const words = path.join(directory, `${controlPipe}.in`)
  await writeFile(words, '')
  const connected = ['talk_1', 'tty_1']
  const [talking] = connected.map(port)
  const guest = { key: 'k', directory, isRunning: async () => true, connectedPorts: async () => new Set(connected.splice(0)) }
  const order = { script: 'sh', stdin: true, tty: true }
  const opening = new GuestSessions().open(guest, order, AbortSignal.timeout(30_000))
  const talk = (await talking) as net.Socket
  const mark = await eventually(async () => /^session 1 (\S+)\n/.exec(await readFile(words, 'utf8'))?.[1] ?? expect.fail('it is not told'))
  talk.write(`open ${mark}\nready\n`)
  const { stdin, stdout } = await opening
  stdout.resume()
  return { talk, stdin: stdin ?? expect.fail('it has an input') }
}

it('what is typed behind the end of the input is refused to who types it, and to nobody else', async () => {
  const { stdin } = await terminalSession()
  stdin.end()
  await expect(writeChunk(stdin, Buffer.from('more'))).rejects.toThrow()
})

it('what is typed when the guest is gone is refused to who types it, and to nobody else', async () => {
  const { talk, stdin } = await terminalSession()
  talk.destroy()
  await eventually(() => expect(writeChunk(stdin, Buffer.from('more'))).rejects.toThrow())
})
