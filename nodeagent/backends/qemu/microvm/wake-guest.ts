/**
 * Guests without KVM that lose their clock while they boot. Their kernel measures the timer of its processor against the processor's clock,
 * in a tenth of a second in which it must not be put aside; where it was, it finds the timer too slow ("APIC frequency too slow"), does
 * without, and as a microVM has no other timer it sleeps for good. So a guest that sleeps with its timer as that measurement left it has
 * its reset button pressed: nothing of it has run yet.
 */
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { QmpClient } from '../qmp-client.js'
import { controlPipe } from './microvm-arguments.js'

type Qmp = Pick<QmpClient, 'execute'>

export interface WakingGuest {
  /** Rejects when QEMU does not answer. */
  ask<T>(question: (qmp: Qmp) => Promise<T>): Promise<T>
  isRunning(): Promise<boolean>
}

const usualLookMs = 2_000
/** Of the counter, as the measurement begins with it. */
const wholeCount = 0xfffffff

/** Looks after a guest until its first process has begun the task, or it has ended; resolves with how often it was reset. */
export async function wakeGuest(guest: WakingGuest, signal: AbortSignal, lookMs = usualLookMs): Promise<number> {
  let resets = 0
  let slept = false
  while (await guest.isRunning()) {
    // What cannot be asked has only just begun, or is ending.
    const state = await guest.ask(lookAtGuest).catch(() => 'boots' as const)
    if (state === 'has begun') break
    // The measurement itself looks the same for a moment.
    if (state === 'sleeps' && slept) {
      await guest.ask(pressReset).catch(() => {})
      resets++
    }
    slept = state === 'sleeps' && !slept
    await sleep(systemClock, lookMs, signal)
  }
  return resets
}

async function lookAtGuest(qmp: Qmp): Promise<'boots' | 'sleeps' | 'has begun'> {
  const devices = (await qmp.execute('query-chardev')) as readonly { readonly label: string; readonly 'frontend-open': boolean }[]
  if (devices.some((device) => device.label === controlPipe && device['frontend-open'])) return 'has begun'
  const [timer, registers] = [await monitor(qmp, 'info lapic'), await monitor(qmp, 'info registers')]
  return hasLostItsTimer(timer) && /\bHLT=1\b/.test(registers) ? 'sleeps' : 'boots'
}

/** From what `info lapic` says. Pure. */
export function hasLostItsTimer(lapic: string): boolean {
  return /^LVTT\b.*\bmasked\b/m.test(lapic) && new RegExp(`initial_count = ${wholeCount}\\b`).test(lapic)
}

/** QEMU was told to end where a guest boots anew (-no-reboot), and is again. */
export async function pressReset(qmp: Qmp): Promise<void> {
  await qmp.execute('set-action', { reboot: 'reset' })
  await qmp.execute('system_reset')
  await qmp.execute('set-action', { reboot: 'shutdown' })
}

async function monitor(qmp: Qmp, line: string): Promise<string> {
  return String(await qmp.execute('human-monitor-command', { 'command-line': line }))
}
