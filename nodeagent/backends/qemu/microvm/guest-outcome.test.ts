import { describe, expect, it } from 'vitest'
import { type MicrovmEnd, outcomeOf } from './guest-outcome.js'

const end = (more: Partial<MicrovmEnd> & { exitCode?: number; signal?: string } = {}): MicrovmEnd => {
  const { exitCode = 0, signal, ...rest } = more
  return { exit: { exitCode, ...(signal ? { signal } : {}), oomKilled: false, finishedAtMs: 5 }, stopping: false, lastWords: '', ...rest }
}

describe('how the run of a microVM ended', () => {
  it.each<[string, MicrovmEnd, object]>([
    ['by its own', end({ report: 'exit 3 0' }), { exitCode: 3, oomKilled: false }],
    ['politely', end({ report: 'exit 143 0' }), { exitCode: 143, signal: 'SIGTERM' }],
    ['for want of memory', end({ report: 'exit 137 1' }), { exitCode: 137, signal: 'SIGKILL', oomKilled: true }],
    [
      'without a program',
      end({ report: 'failure CommandNotFound cannot run x: no such program' }),
      { exitCode: 127, failure: { reason: 'CommandNotFound', message: 'cannot run x: no such program' } },
    ],
    [
      'without its directory',
      end({ report: 'failure StartFailed cannot enter /x' }),
      { exitCode: 126, failure: { reason: 'StartFailed' } },
    ],
    [
      'killed by the agent',
      end({ exitCode: 137, signal: 'SIGKILL', stopping: true }),
      { exitCode: 137, signal: 'SIGKILL', oomKilled: false },
    ],
    ['killed by somebody', end({ exitCode: 137, signal: 'SIGKILL' }), { exitCode: 255, failure: { reason: 'RunLost' } }],
    [
      'with a panic',
      end({ lastWords: 'Kernel panic - not syncing' }),
      { exitCode: 255, failure: { reason: 'RunLost', message: 'the guest ended before the command did: Kernel panic - not syncing' } },
    ],
    [
      'as QEMU refused',
      end({ exitCode: 1, lastWords: 'Could not set up host forwarding rule' }),
      { exitCode: 126, failure: { reason: 'StartFailed', message: 'QEMU ended with code 1: Could not set up host forwarding rule' } },
    ],
    ['with a report that is none', end({ report: 'exit 999 0' }), { exitCode: 255, failure: { reason: 'RunLost' } }],
    ['with a report that is no number', end({ report: 'exit -1 0' }), { exitCode: 255, failure: { reason: 'RunLost' } }],
  ])('%s', (_name, how, expected) => {
    expect(outcomeOf(how)).toMatchObject(expected)
    expect(outcomeOf(how).finishedAtMs).toBe(5)
  })
})
