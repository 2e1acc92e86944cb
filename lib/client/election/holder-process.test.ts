import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { eventually } from '../../testing/eventually.js'
import { describeOwnProcess, isSurelyGone } from './holder-process.js'

const own = describeOwnProcess() ?? ''
const ofPid = (pid: number | undefined) => own.replace(`pid-${process.pid}-`, `pid-${pid}-`)

it('a process that runs is not gone', () => {
  expect(own).toMatch(/^pid-\d+-\d+-[0-9a-f-]{36}$/)
  expect(isSurelyGone(`host_1234_${own}`)).toBe(false)
  expect(isSurelyGone(`host_1234_${ofPid(1)}`)).toBe(false)
})

it('a process that has ended is gone, on this boot and in this namespace alone', async () => {
  const child = spawn('true')
  await once(child, 'exit')
  const gone = `host_1234_${ofPid(child.pid)}`
  expect(isSurelyGone(gone)).toBe(true)
  expect(isSurelyGone(gone.replace(/[0-9a-f]$/, (digit) => (digit === '0' ? '1' : '0')))).toBe(false)
  expect(isSurelyGone(gone.replace(/-(\d+)-([0-9a-f]{8})-/, '-1$1-$2-'))).toBe(false)
})

it('a stopped process is not gone, and a zombie is', async () => {
  // The sleep that the shell became never asks how its child ended.
  const parent = spawn('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'])
  const [line] = await once(parent.stdout, 'data')
  const child = Number(line)
  await eventually(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n')
  process.kill(child, 'SIGSTOP')
  expect(isSurelyGone(ofPid(child))).toBe(false)
  process.kill(child, 'SIGKILL')
  await eventually(() => isSurelyGone(ofPid(child)))
  expect(() => process.kill(child, 0)).not.toThrow()
  parent.kill('SIGKILL')
})

it.each([
  '',
  'host',
  'host_pid-',
  'host_7b0c51c2-1fd6-4a0a-8f3c-3a4ff0c7b1a4',
  'pid-0-1-00000000-0000-0000-0000-000000000000',
  'pid--1-1-x',
  'xpid-1',
])('nobody knows about %j', (holder) => {
  expect(isSurelyGone(holder)).toBe(false)
})
