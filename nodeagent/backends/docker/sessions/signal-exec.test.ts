import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type Docker from 'dockerode'
import { describe, expect, it } from 'vitest'
import { signalExec } from './signal-exec.js'

const execOf = (state: { Running: boolean; Pid: number }) => ({ inspect: async () => state }) as unknown as Docker.Exec
const container = {} as Docker.Container

describe('a signal to a command that runs by exec', () => {
  it('reaches its group, and is not needed once it has ended', async () => {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' })
    const exec = execOf({ Running: true, Pid: child.pid ?? 0 })
    const ended = once(child, 'exit')
    expect(await signalExec(exec, container, 'SIGHUP')).toBe(true)
    expect(await ended).toEqual([null, 'SIGHUP'])
    expect(await signalExec(exec, container, 'SIGHUP')).toBe(false)
    expect(await signalExec(execOf({ Running: false, Pid: 0 }), container, 'SIGHUP')).toBe(false)
  })

  it('is to be tried again while the engine does not know the pid, or the command leads no session yet', async () => {
    await expect(signalExec(execOf({ Running: true, Pid: 0 }), container, 'SIGHUP')).rejects.toThrow('does not tell the pid yet')
    // In the group of whoever started it.
    const child = spawn('sleep', ['600'], { stdio: 'ignore' })
    await expect(signalExec(execOf({ Running: true, Pid: child.pid ?? 0 }), container, 'SIGHUP')).rejects.toMatchObject({ code: 'ESRCH' })
    child.kill()
    await once(child, 'exit')
  })
})
