import { EventEmitter } from 'node:events'
import { type Duplex, PassThrough } from 'node:stream'
import type { ServerChannel, Session } from 'ssh2'
import { afterEach, expect, it } from 'vitest'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { carryCommand } from './carry-command.js'

let link: Duplex
afterEach(() => link.destroy())

/** A command that runs in a terminal; returns how to send it a signal. */
function running() {
  link = new FramedChannels(new PassThrough())
  const session = new EventEmitter() as Session
  const channel = Object.assign(new PassThrough(), { stderr: new PassThrough() }) as unknown as ServerChannel
  void carryCommand(undefined as never, session, channel, link, { rows: 24, columns: 80 })
  return (name: string) => {
    let answer = 'none'
    const say = (text: string) => () => {
      answer = text
    }
    session.emit('signal', say('accepted'), say('refused'), { name })
    return answer
  }
}

it.each([
  ['INT', 'accepted'],
  ['TERM', 'accepted'],
  ['USR1', 'refused'],
  ['constructor', 'refused'],
  ['__proto__', 'refused'],
  ['toString', 'refused'],
])('the signal %s is %s', (name, answer) => {
  expect(running()(name)).toBe(answer)
})
