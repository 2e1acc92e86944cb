import { constants } from 'node:os'
import type { RunExit } from '../../backend.js'
import { describeVmEnd } from '../vm-end.js'

export interface MicrovmEnd {
  /** How QEMU ended. */
  readonly exit: RunExit
  /** What init.sh reported; absent when it came to no report. The guest's word: it may be anything. */
  readonly report?: string | undefined
  /** Whether the agent was about to end it. */
  readonly stopping: boolean
  /** What was last said on standard error: by QEMU, by the guest's kernel on its console, or by the command. */
  readonly lastWords: string
}

/** How the run of a microVM ended. Pure. */
export function outcomeOf({ exit, report, stopping, lastWords }: MicrovmEnd): RunExit {
  const { finishedAtMs } = exit
  const [, code, killed] = /^exit (\d{1,3}) ([01])\s*$/.exec(report ?? '') ?? []
  if (code !== undefined && Number(code) <= 255) {
    const signal = signalOf(Number(code))
    return { exitCode: Number(code), ...(signal ? { signal } : {}), oomKilled: killed === '1', finishedAtMs }
  }
  const [, reason, message = ''] = /^failure (CommandNotFound|StartFailed) (.*)$/.exec(report ?? '') ?? []
  if (reason === 'CommandNotFound' || reason === 'StartFailed')
    return {
      exitCode: reason === 'CommandNotFound' ? 127 : 126,
      oomKilled: false,
      finishedAtMs,
      failure: { reason, message: message.trim() },
    }
  if (exit.failure || (exit.signal === 'SIGKILL' && stopping)) return exit
  const lost = (why: string): RunExit => ({
    exitCode: 255,
    oomKilled: exit.oomKilled,
    finishedAtMs,
    failure: { reason: 'RunLost', message: why },
  })
  if (exit.signal) return lost(describeVmEnd(exit, lastWords))
  if (exit.exitCode === 0) return lost(`the guest ended before the command did${lastWords === '' ? '' : `: ${lastWords}`}`)
  return { exitCode: 126, oomKilled: false, finishedAtMs, failure: { reason: 'StartFailed', message: describeVmEnd(exit, lastWords) } }
}

/** A shell in the guest knows only the code: 128 and more stands for a signal. */
function signalOf(code: number): string | undefined {
  return Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
}
