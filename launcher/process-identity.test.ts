import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { identifyProcess, isRunning, signalProcess } from './process-identity.js'

describe('the identity of a process', () => {
  it('holds while the process runs, and not after', async () => {
    const child = spawn('sleep', ['60'])
    await once(child, 'spawn')
    const identity = identifyProcess(child.pid ?? 0)
    if (!identity) throw new Error('the process should run')
    expect(isRunning(identity)).toBe(true)
    const ended = once(child, 'exit')
    expect(signalProcess(identity, 'SIGKILL')).toBe(true)
    await ended
    expect(isRunning(identity)).toBe(false)
    expect(signalProcess(identity, 'SIGKILL')).toBe(false)
  })

  it('is not that of another process with the same pid', () => {
    const own = identifyProcess(process.pid)
    if (!own) throw new Error('this process runs')
    expect(isRunning({ ...own, startTime: `${Number(own.startTime) - 1}` })).toBe(false)
    expect(isRunning({ ...own, bootId: 'another' })).toBe(false)
    expect(signalProcess({ ...own, startTime: '1' }, 'SIGKILL')).toBe(false)
  })

  it('is read past any name of a command', async () => {
    const child = spawn('bash', ['-c', 'exec -a "x) Z 1" sleep 60'])
    await once(child, 'spawn')
    expect(identifyProcess(child.pid ?? 0)).toBeDefined()
    child.kill('SIGKILL')
  })
})
