import { Duplex } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type ChannelLink, type ChannelMessage, channels } from '../../lib/stream/channel-link.js'
import { carrySession } from './carry-session.js'

/** One end of a link in this process: what is written to it is kept, what is pushed is heard. */
function aLink(): { link: ChannelLink; written: ChannelMessage[] } {
  const written: ChannelMessage[] = []
  const link = new Duplex({
    objectMode: true,
    read() {},
    write(message: ChannelMessage, _encoding, done) {
      written.push(message)
      done()
    },
    final(done) {
      this.push(null)
      done()
    },
  })
  link.on('error', () => {})
  return { link, written }
}

const everything = { stdin: true, stdout: true, stderr: true, tty: false }
const statusOf = (written: readonly ChannelMessage[]) =>
  JSON.parse(String(written.find(({ channel }) => channel === channels.error)?.bytes))

describe('a session', () => {
  it.each<[string, object, object]>([
    ['an exit code', { exitCode: 0 }, { status: 'Success' }],
    [
      'another',
      { exitCode: 7 },
      { status: 'Failure', reason: 'NonZeroExitCode', details: { causes: [{ reason: 'ExitCode', message: '7' }] } },
    ],
    ['nonsense', { exitCode: 'seven', message: 'give me your password' }, { status: 'Failure', reason: 'InternalError' }],
  ])('whose agent says %s ends so', async (_case, said, status) => {
    const [client, node] = [aLink(), aLink()]
    node.link.push({ channel: channels.stdout, bytes: Buffer.from('out') })
    node.link.push({ channel: channels.error, bytes: Buffer.from(JSON.stringify(said)) })
    await carrySession(client.link, node.link, { streams: everything, isStillDue: () => true, judgeEveryMs: 60_000 })
    expect(String(client.written[0]?.bytes)).toBe('out')
    expect(statusOf(client.written)).toMatchObject(status)
    expect(node.link.destroyed).toBe(true)
  })

  it('carries no channel that was not asked for', async () => {
    const [client, node] = [aLink(), aLink()]
    client.link.push({ channel: channels.stdin, bytes: Buffer.from('in') })
    node.link.push({ channel: channels.stderr, bytes: Buffer.from('err') })
    node.link.push({ channel: channels.error, bytes: Buffer.from('{"exitCode":0}') })
    const streams = { stdin: false, stdout: true, stderr: false, tty: false }
    await carrySession(client.link, node.link, { streams, isStillDue: () => true, judgeEveryMs: 60_000 })
    expect(client.written.map(({ channel }) => channel)).toEqual([channels.error])
    expect(node.written).toEqual([])
  })

  it('that is no longer allowed is ended, and the client is told', async () => {
    const [client, node] = [aLink(), aLink()]
    await carrySession(client.link, node.link, { streams: everything, isStillDue: () => false, judgeEveryMs: 5 })
    expect(statusOf(client.written)).toMatchObject({ status: 'Failure', reason: 'Forbidden' })
    expect(node.link.destroyed).toBe(true)
  })

  it('whose client is gone is ended at the agent', async () => {
    const [client, node] = [aLink(), aLink()]
    client.link.destroy(new Error('gone'))
    await carrySession(client.link, node.link, { streams: everything, isStillDue: () => true, judgeEveryMs: 60_000 })
    expect(node.link.destroyed).toBe(true)
  })
})
