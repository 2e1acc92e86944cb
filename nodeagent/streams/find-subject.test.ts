import { describe, expect, it } from 'vitest'
import { BackendError } from '../backends/backend.js'
import type { MachineBackend, ObservedMachine } from '../backends/machine-backend.js'
import { findMachine } from './find-subject.js'

const subject = { kind: 'Vps', namespace: 'default', name: 'dev', uid: 'u-1', attempt: 0 } as const
const machine = { uid: 'u-1', namespace: 'default', name: 'dev', state: 'running' } as ObservedMachine
const backend = (observeMachines: () => Promise<ObservedMachine[]>) => ({ observeMachines }) as unknown as MachineBackend
const has = backend(async () => [machine])
const hasNone = backend(async () => [])
const silent = backend(async () => {
  throw new BackendError('BackendUnavailable', 'no engine answers', false)
})
const find = (...backends: MachineBackend[]) =>
  findMachine(subject, { machines: new Map(backends.map((one, index) => [`${index}`, one])) }, AbortSignal.timeout(30_000))

describe('a machine is looked for in every backend', () => {
  it('is found behind one that does not answer', async () => {
    expect(await find(silent, has)).toEqual({ backend: has, state: 'running' })
  })
  it('is nowhere when all have said so', async () => {
    expect(await find(hasNone, hasNone)).toBeUndefined()
  })
  it('may be with the one that does not answer, when no other has it', async () => {
    await expect(find(silent, hasNone)).rejects.toThrow('no engine answers')
  })
})
