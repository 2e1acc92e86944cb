import type { CommandOrders } from '../supervision/command-orders.js'
import { signalProcess } from '../supervision/proc.js'
import { spawnInRun } from '../supervision/shim.js'

/** What a probe prints is shown in a condition; more than this is not kept. */
const maxOutputBytes = 10 * 1024

/** Runs a command beside a run and collects what it prints. When aborted, its whole group is killed. */
export function runCommand(orders: CommandOrders, signal: AbortSignal): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const command = spawnInRun(orders)
    const chunks: Buffer[] = []
    let size = 0
    for (const stream of [command.stdout, command.stderr])
      stream.on('data', (chunk: Buffer) => {
        if (size < maxOutputBytes) chunks.push(chunk.subarray(0, maxOutputBytes - size))
        size += chunk.length
      })
    const onAbort = () => {
      if (command.pid) signalProcess(-command.pid, 'SIGKILL')
      reject(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    command.on('error', reject)
    // `exit`, not `close`: a child of the command may keep its output open.
    command.on('exit', (code, name) => {
      signal.removeEventListener('abort', onAbort)
      setImmediate(() => {
        command.stdout.destroy()
        command.stderr.destroy()
        resolve({ exitCode: code ?? (name ? 137 : 1), output: Buffer.concat(chunks).toString() })
      })
    })
  })
}
