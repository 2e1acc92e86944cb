/** exec over a WebSocket, from the client library to a real process, with everything between them. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exitCodeOf, type SessionStatus } from '../../lib/api/session-status.js'
import { createClient } from '../../lib/client/create-client.js'
import { type ChannelLink, channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { printTerminalSize } from '../../lib/stream/terminal-size.js'
import { eventually } from '../../lib/testing/eventually.js'
import { type SessionBed, sessionBed } from './session-bed.js'

let bed: SessionBed
beforeAll(async () => {
  bed = await sessionBed()
  await bed.run('subject', ['sleep', '600'])
}, 60_000)
afterAll(() => bed[Symbol.asyncDispose](), 60_000)

async function exec(command: string[], flags: Record<string, string> = {}, user = bed.cluster.admin): Promise<ChannelLink> {
  const client = createClient(user)
  const query = new URLSearchParams(flags)
  for (const word of command) query.append('command', word)
  return client.channels(`/apis/millrace.dev/v1/namespaces/default/tasks/subject/exec?${query}`)
}

async function heard(link: ChannelLink) {
  let stdout = ''
  let stderr = ''
  let status: SessionStatus | undefined
  for await (const { channel, bytes = Buffer.alloc(0) } of messagesOf(link)) {
    if (channel === channels.stdout) stdout += bytes
    if (channel === channels.stderr) stderr += bytes
    if (channel === channels.error) status = JSON.parse(bytes.toString())
  }
  return { stdout, stderr, exitCode: status && exitCodeOf(status), status }
}

describe('exec', () => {
  it('runs a command and says what it said and how it ended', async () => {
    expect(await heard(await exec(['sh', '-c', 'echo out; echo err >&2; exit 3']))).toMatchObject({
      stdout: 'out\n',
      stderr: 'err\n',
      exitCode: 3,
    })
    expect(await heard(await exec(['true']))).toMatchObject({ stdout: '', stderr: '', exitCode: 0 })
  })

  it('carries input to its end', async () => {
    const link = await exec(['sh', '-c', 'cat; echo done'], { stdin: 'true' })
    await writeMessage(link, { channel: channels.stdin, bytes: Buffer.from('hello\n') })
    await writeMessage(link, { channel: channels.stdin, bytes: undefined })
    expect(await heard(link)).toMatchObject({ stdout: 'hello\ndone\n', exitCode: 0 })
  })

  it('gives a terminal whose size follows', async () => {
    const link = await exec(['sh', '-c', 'read line; until [ "$(stty size)" = "31 71" ]; do sleep 0.1; done; echo sized; exit 4'], {
      stdin: 'true',
      tty: 'true',
    })
    await writeMessage(link, { channel: channels.resize, bytes: printTerminalSize({ rows: 31, columns: 71 }) })
    await writeMessage(link, { channel: channels.stdin, bytes: Buffer.from('go\n') })
    expect(await heard(link)).toMatchObject({ stdout: 'go\r\nsized\r\n', exitCode: 4 })
  })

  it('ends the command when the client is gone', async () => {
    const link = await exec(['sh', '-c', 'echo $$; exec sleep 600'])
    let pid = 0
    for await (const { bytes } of messagesOf(link)) {
      pid = Number(bytes)
      break
    }
    expect(process.kill(pid, 0)).toBe(true)
    link.destroy()
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow(), { timeoutMs: 30_000 })
  })

  it('holds up a command whose output nobody takes, and nothing piles up', async () => {
    const link = await exec(['sh', '-c', 'echo $$; exec dd if=/dev/zero bs=65536 count=4000'])
    let pid = 0
    for await (const { bytes } of messagesOf(link)) {
      pid = Number.parseInt(String(bytes), 10)
      break
    }
    const written = async () => Number(/^wchar: (\d+)$/m.exec(await readFile(`/proc/${pid}/io`, 'utf8'))?.[1])
    let before = -1
    await eventually(
      async () => {
        const now = await written()
        const still = now > 0 && now === before
        before = now
        return still
      },
      { intervalMs: 500 },
    )
    expect(await written()).toBeLessThan(64 * 1024 * 1024)
    link.destroy()
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow())
  })

  it('ends with an error, and the command with it, when the agent is gone', async () => {
    const link = await exec(['sh', '-c', 'echo $$; exec sleep 600'])
    let pid = 0
    let status: SessionStatus | undefined
    for await (const { channel, bytes } of messagesOf(link)) {
      if (channel === channels.error) status = JSON.parse(String(bytes))
      if (channel !== channels.stdout) continue
      pid = Number(bytes)
      bed.cutAgent()
    }
    expect(status).toMatchObject({ status: 'Failure', reason: 'InternalError', message: expect.stringContaining('was lost') })
    await eventually(() => expect(() => process.kill(pid, 0)).toThrow())
  })
})
