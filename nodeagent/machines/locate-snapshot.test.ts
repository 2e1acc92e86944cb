import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import type { MachineBackend } from '../backends/machine-backend.js'
import { locateSnapshot } from './locate-snapshot.js'

let transfers: string
beforeEach(async () => {
  transfers = await mkdtemp(path.join(tmpdir(), 'millrace-test-'))
})
afterEach(() => rm(transfers, { recursive: true }))

it('breaks off a copy from another node when something else is to be done, and not with it what cannot be broken off', async () => {
  const [step, superseded] = [new AbortController(), new AbortController()]
  const asked: AbortSignal[] = []
  const client = {
    of: () => ({
      get: async () => ({ metadata: { name: 's', uid: 'u' }, spec: { nodeName: 'n1' }, status: { phase: 'Ready', backend: 'docker' } }),
    }),
    raw: ({ signal }: { signal: AbortSignal }) => {
      asked.push(signal)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  }
  const backend = { name: 'docker', observeSnapshots: async () => [] } as unknown as MachineBackend
  const context = { parts: { client, nodeName: 'n2', transfers }, signal: step.signal, superseded: superseded.signal, onPullProgress() {} }
  const located = locateSnapshot({ namespace: 'default', name: 's' }, backend, context as never).then(
    () => 'located',
    () => 'broken off',
  )
  await eventually(() => asked.length === 1)
  superseded.abort()
  expect([await located, asked.length, step.signal.aborted]).toEqual(['broken off', 1, false])
})
