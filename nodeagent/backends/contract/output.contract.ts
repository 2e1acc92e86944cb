import { expect, it } from 'vitest'
import type { ContractBed } from './contract-bed.contract.js'

/** What a run is given to say, and what is kept of what it said. */
export function describeOutput(bed: ContractBed): void {
  const { aRun, inState, linesOf, signal } = bed

  it('gives the environment to the command', async () => {
    const run = aRun(bed.subject.programs.printEnv('GREETING'), {}, {}, { GREETING: 'good = "day"\nto you' })
    await bed.backend.start(run, signal)
    await inState(run, 'exited')
    expect((await linesOf(run)).map(({ bytes }) => bytes.toString()).join('')).toBe('good = "day"\nto you\n')
  })

  it('keeps what was printed on each stream, with times', async () => {
    const run = aRun(bed.subject.programs.print('to out', 'to err'))
    await bed.backend.start(run, signal)
    await inState(run, 'exited')
    const lines = await linesOf(run)
    expect(lines.map(({ stream, bytes }) => `${stream} ${bytes}`).sort()).toEqual(['stderr to err\n', 'stdout to out\n'])
    for (const line of lines) expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/)
    expect(await linesOf(run, { tailLines: 1 })).toEqual(lines.slice(1))
    expect(await linesOf(run, { tailLines: 0 })).toEqual([])
    expect(await linesOf(run, { sinceMs: Date.now() + 60_000 })).toEqual([])
    expect(await linesOf(run, { sinceMs: Date.now() - 3_600_000 })).toEqual(lines)
  })

  it('a followed log ends with the run', async () => {
    const run = aRun(bed.subject.programs.stubborn)
    await bed.backend.start(run, signal)
    await inState(run, 'running')
    const followed = linesOf(run, { follow: true })
    await bed.eventually(async () => expect(await linesOf(run)).toHaveLength(1))
    await bed.backend.stop(run.id, 100, signal)
    expect((await followed).map(({ bytes }) => bytes.toString())).toEqual(['ready\n'])
  })
}
