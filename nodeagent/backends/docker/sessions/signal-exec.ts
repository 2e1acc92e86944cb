import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { statusOf } from '../engine/engine-refusal.js'

const deadlineMs = 5000

/**
 * Sends a signal to a command that runs by exec, with its group; false when it has ended. The engine has no call for that. It does tell the
 * command's pid on the machine, so an agent beside its engine can, and one that may not signal it has the container do so. Rejects when the
 * engine does not tell, or not yet.
 */
export async function signalExec(exec: Docker.Exec, container: Docker.Container, signal: 'SIGHUP' | 'SIGKILL'): Promise<boolean> {
  const { Pid, Running } = await exec.inspect({ abortSignal: AbortSignal.timeout(deadlineMs) }).catch((error: unknown) => {
    if (statusOf(error) === 404) return { Pid: 0, Running: false }
    throw error
  })
  if (!Running) return false
  // What has only just begun has no pid yet, as far as the engine knows, or leads no session yet.
  if (Pid <= 1) throw new Error('the engine does not tell the pid yet')
  try {
    // An exec leads a session of its own.
    process.kill(-Pid, signal)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') {
      if (existsSync(`/proc/${Pid}`)) throw error
      return false
    }
  }
  const inside = await innermostPid(Pid)
  if (inside === undefined) return false
  const Cmd = ['kill', `-${signal.slice(3)}`, `-${inside}`]
  const killer = await container.exec({ Cmd, User: '0', abortSignal: AbortSignal.timeout(deadlineMs) })
  await killer.start({ Detach: true, abortSignal: AbortSignal.timeout(deadlineMs) })
  return true
}

/** The pid that a process has in its own namespace. */
async function innermostPid(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const last = /^NSpid:(?:\s+\d+)*\s+(\d+)$/m.exec(status)?.[1]
  return last === undefined ? undefined : Number(last)
}
