import { expect, it } from 'vitest'
import type { ContractBed, ContractOptions } from './contract-bed.contract.js'

/** What a backend tells of itself and of its runs. */
export function describeObserving(bed: ContractBed, { sessions }: ContractOptions): void {
  const { aRun, observed, inState, signal } = bed

  it('is available here, with a version', async () => {
    const info = await bed.backend.info(signal)
    expect(info).toMatchObject({ available: true })
    expect(info.version).toBeTruthy()
  })

  it.runIf(sessions)('tells what a run uses while it runs, and nothing of it afterwards', async () => {
    if (!bed.backend.usage) return
    const busy = aRun(['sh', '-c', 'while :; do :; done'])
    await bed.backend.start(busy, signal)
    const used = async () => (await bed.backend.usage?.(signal, busy.id.uid)) ?? []
    await bed.eventually(async () =>
      expect(await used()).toMatchObject([{ id: busy.id, namespace: 'default', cpuNanos: expect.toSatisfy((nanos) => nanos >= 5e7) }]),
    )
    const [first] = await used()
    expect(first?.memoryBytes).toBeGreaterThan(0)
    await bed.eventually(async () => expect((await used())[0]?.cpuNanos).toBeGreaterThan(first?.cpuNanos ?? 0))
    expect((await bed.backend.usage(signal)).map(({ id }) => id.uid)).toContain(busy.id.uid)
    await bed.backend.stop(busy.id, 0, signal)
    await inState(busy, 'exited')
    expect(await used()).toEqual([])
  })

  it('tells that something changed', async () => {
    const run = aRun(bed.subject.programs.exit(0))
    let hints = 0
    const unsubscribe = bed.backend.subscribe(() => hints++)
    await bed.backend.start(run, signal)
    await inState(run, 'exited')
    await bed.eventually(() => expect(hints).toBeGreaterThan(0))
    unsubscribe()
  })

  it('finds its runs again after a restart, with the exit codes of what ended meanwhile', async () => {
    const lasting = aRun(bed.subject.programs.sleep)
    const ending = aRun(bed.subject.programs.exit(5))
    await bed.backend.start(lasting, signal)
    await bed.backend.start(ending, signal)
    const before = await inState(lasting, 'running')
    await bed.reopen()
    expect(await observed(lasting)).toEqual(before)
    expect((await inState(ending, 'exited'))?.exit?.exitCode).toBe(5)
  })

  it('keeps runs of one workload apart, and shows all or those of one workload', async () => {
    const first = aRun(bed.subject.programs.exit(1))
    const second = aRun(bed.subject.programs.sleep, {}, { uid: first.id.uid, run: 1 })
    await bed.backend.start(first, signal)
    await inState(first, 'exited')
    await bed.backend.start(second, signal)
    await inState(second, 'running')
    expect((await bed.backend.observe(signal, first.id.uid)).map(({ id }) => id.run).sort()).toEqual([0, 1])
    const all = await bed.backend.observe(signal)
    expect(all.filter(({ id }) => id.uid === first.id.uid)).toHaveLength(2)
    expect(all.length).toBeGreaterThan(2)
  })
}
