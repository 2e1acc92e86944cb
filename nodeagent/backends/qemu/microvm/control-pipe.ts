import { execFile } from 'node:child_process'
import { constants, type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { sleep, systemClock } from '../../../../lib/base/clock.js'
import type { Guest } from './guest-sessions.js'
import { controlPipe } from './microvm-arguments.js'

const pollMs = 20

/**
 * Makes the pipe that QEMU gives to the guest as a port, as QEMU names its two
 * directions. What is written waits in it until the guest reads.
 */
export async function makeControlPipe(directory: string, searchPath: string): Promise<void> {
  for (const end of ['in', 'out'])
    await promisify(execFile)('mkfifo', ['-m', '600', path.join(directory, `${controlPipe}.${end}`)], { env: { PATH: searchPath } }).catch(
      (error: Error) => {
        if (!error.message.includes('exists')) throw error
      },
    )
}

/**
 * Gives a word to the guest, now or when it has booted; QEMU must have opened its end,
 * which is waited for. Returns without when the guest is gone.
 */
export async function tellGuest(guest: Pick<Guest, 'directory' | 'isRunning'>, word: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const pipe = await openIfRead(path.join(guest.directory, `${controlPipe}.in`))
    if (pipe) {
      try {
        await pipe.write(`${word}\n`)
      } finally {
        await pipe.close()
      }
      return
    }
    if (!(await guest.isRunning())) return
    await sleep(systemClock, pollMs, signal)
  }
}

/** Undefined when nobody has it open to read. */
async function openIfRead(pipe: string): Promise<FileHandle | undefined> {
  try {
    return await open(pipe, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENXIO', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
