import { expect, it } from 'vitest'
import { BackendError } from '../backend.js'
import type { ContractBed } from './contract-bed.contract.js'

/** What is declared works, and the rest is refused. */
export function describeFeatures(bed: ContractBed): void {
  const { aRun, inState, declares, signal } = bed

  it('suspends and resumes, or refuses to', async () => {
    const run = aRun(bed.subject.programs.sleep)
    await bed.backend.start(run, signal)
    await inState(run, 'running')
    if (!declares('suspend')) return expect(bed.backend.pause(run.id, signal)).rejects.toThrow(BackendError)
    await bed.backend.pause(run.id, signal)
    await inState(run, 'paused')
    await bed.backend.resume(run.id, signal)
    await inState(run, 'running')
    await bed.backend.pause(run.id, signal)
    await bed.backend.stop(run.id, 1000, signal)
    return inState(run, 'exited')
  })

  it('ends what needs more memory than its limit and says so, or does not declare the limit', async () => {
    if (!declares('memoryLimit')) return
    const run = aRun(bed.subject.programs.hungry, { resources: { limits: { memory: bed.subject.memoryLimit ?? '32Mi' } } })
    await bed.backend.start(run, signal)
    expect((await inState(run, 'exited'))?.exit).toMatchObject({ oomKilled: true })
  })

  it('refuses images, privileges and mounts that it does not declare', async () => {
    if (!declares('image'))
      await expect(bed.backend.prepareImage('busybox:1.36', 'IfNotPresent', () => {}, signal)).rejects.toMatchObject({
        reason: 'Unsupported',
      })
    if (!declares('privileged'))
      await expect(bed.backend.start(aRun(bed.subject.programs.sleep, { privileged: true }), signal)).rejects.toMatchObject({
        reason: 'Unsupported',
      })
    if (!declares('mounts')) {
      const run = aRun(bed.subject.programs.sleep)
      const mounts = [{ volume: 'data', source: bed.home, target: '/data', readOnly: false }]
      await expect(bed.backend.start({ ...run, mounts }, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
    }
  })

  it('keeps a run on its NUMA node, or refuses to', async () => {
    const run = { ...aRun(bed.subject.programs.exit(0)), numaNode: 0 }
    if (!declares('numa')) return expect(bed.backend.start(run, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
    await bed.backend.start(run, signal)
    await inState(run, 'exited')
    const absent = { ...aRun(bed.subject.programs.exit(0)), numaNode: 99 }
    return expect(bed.backend.start(absent, signal)).rejects.toMatchObject({ reason: 'Unsupported' })
  })
}
