import { describe, expect, it } from 'vitest'
import { hasLostItsTimer, wakeGuest } from './wake-guest.js'

const timerOf = (settings: string, count: number) =>
  `dumping local APIC state for CPU 0\r\n\r\nLVT0\t 0x00010700 active-hi edge  masked      ExtINT (vec 0)\r\nLVTT\t ${settings}  Fixed  (vec 236)\r\nTimer\t DCR=0x3 (divide by 16) initial_count = ${count} current_count = 231114094\r\n`
const lost = timerOf('0x000300ec active-hi edge  masked         periodic', 268435455)
const ticking = timerOf('0x000200ec active-hi edge                 periodic', 15624)

describe('the timer of a guest', () => {
  it.each([
    ['is lost as its measurement left it', lost, true],
    ['ticks', ticking, false],
    ['rests while there is nothing to wait for', timerOf('0x000100ec active-hi edge  masked         one-shot', 0), false],
    ['is not begun', timerOf('0x00010000 active-hi edge  masked         one-shot', 0), false],
  ])('%s', (_name, said, expected) => {
    expect(hasLostItsTimer(said)).toBe(expected)
  })
})

describe('a guest that boots', () => {
  type Look = 'boots' | 'measures' | 'sleeps' | 'has begun' | 'no answer'
  /** One that shows these states in turn, and then ends. */
  const guest = (looks: readonly Look[]) => {
    const left = [...looks]
    const orders: string[] = []
    let now: Look = 'boots'
    const execute = async (command: string, args: Readonly<Record<string, unknown>> = {}) => {
      if (command === 'query-chardev') return [{ label: 'control', 'frontend-open': now === 'has begun' }]
      if (command !== 'human-monitor-command') return orders.push([command, ...Object.values(args)].join(' '))
      if (args['command-line'] === 'info lapic') return now === 'boots' ? ticking : lost
      return `CPL=0 II=0 A20=1 SMM=0 HLT=${now === 'sleeps' ? 1 : 0}`
    }
    return {
      orders,
      left,
      isRunning: async () => {
        now = left.shift() ?? 'has begun'
        return true
      },
      ask: async <T>(question: (qmp: { execute: typeof execute }) => Promise<T>) => {
        if (now === 'no answer') throw new Error('QEMU does not answer')
        return question({ execute })
      },
    }
  }
  const reset = ['set-action reset', 'system_reset', 'set-action shutdown']

  it.each<[string, readonly Look[], number]>([
    ['in peace is left alone', ['no answer', 'boots', 'measures', 'boots'], 0],
    ['and is put aside in its measurement is left alone', ['measures', 'measures', 'measures', 'boots'], 0],
    ['and sleeps for good is reset', ['boots', 'sleeps', 'sleeps', 'boots'], 1],
    ['and sleeps for good again is reset again', ['sleeps', 'sleeps', 'boots', 'sleeps', 'sleeps'], 2],
    ['and sleeps for a moment is left alone', ['sleeps', 'boots', 'sleeps', 'boots'], 0],
  ])('%s', async (_name, looks, resets) => {
    const subject = guest(looks)
    expect(await wakeGuest(subject, AbortSignal.timeout(60_000), 0)).toBe(resets)
    expect(subject.orders).toEqual(Array.from({ length: resets }, () => reset).flat())
  })

  it('is looked after no more once it has begun', async () => {
    const subject = guest(['boots', 'has begun', 'sleeps'])
    await wakeGuest(subject, AbortSignal.timeout(60_000), 0)
    expect(subject.left).toEqual(['sleeps'])
  })
})
