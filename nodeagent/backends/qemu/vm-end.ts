import { readFile } from 'node:fs/promises'
import type { RunExit } from '../backend.js'
import { parseLogLine } from '../supervision/log-line.js'

const longestWords = 500

/** How a QEMU process ended, in words. `lastWords`: what it said last on standard error. */
export function describeVmEnd(exit: RunExit, lastWords: string): string {
  const said = lastWords === '' ? '' : `: ${lastWords}`
  if (exit.failure?.reason === 'RunLost') return exit.failure.message
  if (exit.failure) return `QEMU could not be started: ${exit.failure.message}`
  if (exit.signal === 'SIGKILL') return 'QEMU was killed with SIGKILL, by somebody or for want of memory'
  if (exit.signal) return `QEMU was ended by ${exit.signal}${said}`
  if (exit.exitCode !== 0) return `QEMU ended with code ${exit.exitCode}${said}`
  return 'the guest powered off'
}

/** What a process said last on standard error, on one line, from its log file; empty when it said nothing, or the file is gone. */
export async function readLastWords(logFile: string): Promise<string> {
  const text = await readFile(logFile).catch(() => Buffer.alloc(0))
  const lines = text
    .subarray(-64 * 1024)
    .toString('latin1')
    .split('\n')
  const said = lines.flatMap((line) => {
    const parsed = parseLogLine(Buffer.from(line, 'latin1'))
    return parsed?.stream === 'stderr' ? [parsed.bytes.toString().trim()] : []
  })
  return said.filter(Boolean).slice(-3).join(' ').slice(-longestWords)
}
