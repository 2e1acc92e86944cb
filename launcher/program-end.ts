import { isRunning, signalProcess } from './process-identity.js'
import type { ProgramRecord } from './program-record.js'
import { sleepAwake } from './ready.js'

export interface EndOptions {
  /** Workloads go on while the agent is away, process Tasks too: for another agent that comes at once. */
  readonly keepWorkloads: boolean
  say(text: string): void
}

/** How long a program may take to end before it is killed, milliseconds. The agent waits for its process Tasks. */
const graceMs = { nodeagent: 90_000, other: 20_000 }

/** Ends a program in order, by force after its time. Resolves when it is gone. */
export async function endProgram(running: ProgramRecord, { keepWorkloads, say }: EndOptions): Promise<void> {
  const isAgent = running.program === 'nodeagent'
  const limitMs = isAgent ? graceMs.nodeagent : graceMs.other
  signalProcess(running, isAgent && keepWorkloads ? 'SIGUSR2' : 'SIGTERM')
  const startMs = performance.now()
  let told = false
  while (isRunning(running)) {
    const waitedMs = performance.now() - startMs
    if (waitedMs > limitMs) {
      say(`millrace-${running.program} has not ended within ${limitMs / 1000} s; killing it.`)
      signalProcess(running, 'SIGKILL')
      while (isRunning(running)) await sleepAwake(20)
      return
    }
    if (!told && waitedMs > 3_000) {
      say(`Waiting for millrace-${running.program} to end${isAgent && !keepWorkloads ? ' its process Tasks' : ''} …`)
      told = true
    }
    await sleepAwake(20)
  }
}
