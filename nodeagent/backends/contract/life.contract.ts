import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { ContractBed } from './contract-bed.contract.js'

/** How runs begin and end. */
export function describeLife(bed: ContractBed): void {
  const { aRun, observed, inState, linesOf, signal, runs } = bed

  it('reports how a run ended, exit code by exit code', async () => {
    const good = aRun(bed.subject.programs.exit(0))
    const bad = aRun(bed.subject.programs.exit(3))
    await bed.backend.start(good, signal)
    await bed.backend.start(bad, signal)
    expect((await inState(good, 'exited'))?.exit).toMatchObject({ exitCode: 0, oomKilled: false })
    const ended = await inState(bad, 'exited')
    expect(ended).toMatchObject({ id: bad.id, namespace: 'default', name: 'subject', exit: { exitCode: 3, oomKilled: false } })
    expect(Math.abs((ended?.exit?.finishedAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  it('starts a run once, however often it is asked to', async () => {
    const run = aRun(bed.subject.programs.sleep)
    await Promise.all([bed.backend.start(run, signal), bed.backend.start(run, signal)])
    const first = await inState(run, 'running')
    await bed.backend.start(run, signal)
    expect(await bed.backend.observe(signal, run.id.uid)).toHaveLength(1)
    expect((await observed(run))?.runtimeId).toBe(first?.runtimeId)
  })

  it('does not start again what has ended', async () => {
    const run = aRun(bed.subject.programs.exit(4))
    await bed.backend.start(run, signal)
    const ended = await inState(run, 'exited')
    await bed.backend.start(run, signal)
    expect(await observed(run)).toEqual(ended)
  })

  it('a command that does not exist is a run that failed to start', async () => {
    const run = aRun(bed.subject.programs.missing)
    await bed.backend.start(run, signal)
    expect((await inState(run, 'exited'))?.exit).toMatchObject({ exitCode: 127, failure: { reason: 'CommandNotFound' } })
  })

  it('ends a run politely, and at once', async () => {
    const run = aRun(bed.subject.programs.sleep)
    await bed.backend.start(run, signal)
    await inState(run, 'running')
    await bed.backend.stop(run.id, 600_000, signal)
    expect((await observed(run))?.exit).toMatchObject({ exitCode: 143, signal: 'SIGTERM', oomKilled: false })
  })

  it('ends what has only just begun: no polite signal is lost on the way', async () => {
    const started = Array.from({ length: bed.subject.slow ? 2 : 8 }, () => aRun(bed.subject.programs.sleep))
    for (const run of started) {
      await bed.backend.start(run, signal)
      await bed.backend.stop(run.id, 600_000, signal)
      expect((await observed(run))?.exit).toMatchObject({ exitCode: 143, signal: 'SIGTERM' })
    }
  })

  it('kills what does not end in time', async () => {
    const run = aRun(bed.subject.programs.stubborn)
    await bed.backend.start(run, signal)
    await bed.eventually(async () => expect((await linesOf(run)).map(({ bytes }) => bytes.toString())).toEqual(['ready\n']))
    await bed.backend.stop(run.id, 100, signal)
    expect((await observed(run))?.exit).toMatchObject({ exitCode: 137, signal: 'SIGKILL', oomKilled: false })
  })

  it('stopping and removing what is not there is no error', async () => {
    const id = { uid: randomUUID(), attempt: 0, run: 0 }
    await bed.backend.stop(id, 0, signal)
    await bed.backend.remove(id, signal)
  })

  it('a removed run is gone, even when it ran', async () => {
    const run = aRun(bed.subject.programs.sleep)
    await bed.backend.start(run, signal)
    await inState(run, 'running')
    await bed.backend.remove(run.id, signal)
    expect(await bed.backend.observe(signal, run.id.uid)).toEqual([])
  })

  it('a uid that is no plain word reaches no path', async () => {
    const run = aRun(bed.subject.programs.sleep, {}, { uid: '../../etc' })
    runs.pop()
    await expect(bed.backend.start(run, signal)).rejects.toThrow()
  })
}
