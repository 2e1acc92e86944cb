import type Docker from 'dockerode'
import { BackendError } from '../../backend.js'
import type { Engine } from '../engine/engine.js'
import { sayingOf, statusOf } from '../engine/engine-refusal.js'
import { signalExec } from './signal-exec.js'

/** What a probe prints is shown in a condition; more than this is not kept. */
const maxOutputBytes = 10 * 1024

/** Runs a command in a container and collects what it prints. When aborted, the command is killed where this process may do so. */
export async function execInContainer(
  engine: Engine,
  container: Docker.Container,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ exitCode: number; output: string }> {
  let exec: Docker.Exec
  try {
    const wanted = { Cmd: [...command], AttachStdout: true, AttachStderr: true }
    exec = await engine.call(signal, (options) => container.exec({ ...wanted, ...options }))
  } catch (error) {
    if (statusOf(error) === 404 || statusOf(error) === 409)
      throw new BackendError('StartFailed', 'the task is not running', true, { cause: error })
    throw error
  }
  try {
    const stream = await engine.call(signal, (options) => exec.start({ hijack: true, stdin: false, ...options }))
    const output = await collect(stream, signal)
    const { ExitCode } = await engine.call(signal, (options) => exec.inspect(options))
    // The engine tells of a command that it cannot run in the output, and does not always tell an absent one by the code.
    const isMissing = ExitCode === 126 && /^OCI runtime exec failed.*(no such file|not found)/s.test(output)
    return { exitCode: isMissing ? 127 : (ExitCode ?? 0), output }
  } catch (error) {
    if (statusOf(error) === 400) return { exitCode: 127, output: sayingOf(error) }
    if (signal.aborted) await signalExec(exec, container, 'SIGKILL').catch(() => {})
    throw error
  }
}

/** Frames of 8 bytes of header and text; both streams together. */
async function collect(stream: NodeJS.ReadWriteStream & { destroy?: () => void }, signal: AbortSignal): Promise<string> {
  const stop = () => stream.destroy?.()
  signal.addEventListener('abort', stop, { once: true })
  let held = Buffer.alloc(0)
  const kept: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream) {
      held = Buffer.concat([held, chunk as Buffer])
      while (held.length >= 8 && held.length >= 8 + held.readUInt32BE(4)) {
        const end = 8 + held.readUInt32BE(4)
        if (size < maxOutputBytes) kept.push(Buffer.from(held.subarray(8, end)))
        size += end - 8
        held = held.subarray(end)
      }
    }
    signal.throwIfAborted()
    return Buffer.concat(kept).subarray(0, maxOutputBytes).toString()
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
