import { fork } from 'node:child_process'
import path from 'node:path'
import type { Target } from '../../processes/connection.js'

/** What is asked again and again. */
export interface Probe {
  readonly target: Target
  readonly path: string
}

/** This file's own ending: .ts from the sources, .js from a build. */
const program = path.join(import.meta.dirname, `main${path.extname(import.meta.filename)}`)

/**
 * Probes while `work` runs; gives its result and the longest answer, milliseconds. The probe is a process of its own: what it waits for is
 * the server, not this program's other work.
 */
export async function longestAnswerDuring<T>(probe: Probe, work: () => Promise<T>): Promise<{ result: T; longestMs: number }> {
  const child = fork(program, { stdio: 'inherit' })
  const answers: number[] = []
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve())
      child.once('exit', () => reject(new Error('the probe ended')))
      child.send(probe)
    })
    child.on('message', (ms) => answers.push(Number(ms)))
    const result = await work()
    return { result, longestMs: Math.max(0, ...answers) }
  } finally {
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
  }
}
