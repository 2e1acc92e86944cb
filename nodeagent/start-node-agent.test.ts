import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { FlagError } from '../lib/base/flags.js'
import { silentLogger } from '../lib/base/log.js'
import { agentFlags } from './agent-flags.js'
import { startNodeAgent } from './start-node-agent.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'nodeagent-'))
})
afterEach(async () => await rm(directory, { recursive: true, force: true }))

const start = async (...more: string[]) => {
  const flags = agentFlags(['--data-dir', directory, '--work-dir', path.join(directory, 'work'), '--node-name', 'n1', ...more])
  if ('help' in flags) throw new Error('no help was asked for')
  await startNodeAgent(flags, '/usr/bin:/bin', silentLogger, { ending: AbortSignal.abort(), replaced: new AbortController().signal })
}

it('names the flag when the CA cannot be read', async () => {
  const absent = path.join(directory, 'absent.crt')
  const started = start('--server', 'https://127.0.0.1:1', '--ca-file', absent, '--join-token-file', path.join(directory, 'token'))
  await expect(started).rejects.toThrow(FlagError)
  await expect(started).rejects.toThrow(`--ca-file ${absent} cannot be read: ENOENT`)
})

it('says how a machine joins', async () => {
  await expect(start()).rejects.toThrow('this machine has not joined a cluster yet: give --server and --join-token-file')
})

it('goes on trying while the cluster cannot be reached, and ends when it is told to', { timeout: 60_000 }, async () => {
  const token = path.join(directory, 'token')
  await writeFile(token, 'abcdef.0123456789')
  const flags = ['--data-dir', directory, '--node-name', 'n1', '--server', 'https://127.0.0.1:1', '--join-token-file', token]
  const agent = spawn(process.execPath, [path.resolve(import.meta.dirname, '../dist/nodeagent/main.js'), ...flags], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  onTestFinished(() => void agent.kill('SIGKILL'))
  const ended = once(agent, 'close')
  let tries = 0
  for await (const line of createInterface(agent.stderr)) {
    if (line.includes('it is tried again') && ++tries === 2) agent.kill('SIGTERM')
  }
  expect([tries, ...(await ended)]).toEqual([2, 0, null])
})
