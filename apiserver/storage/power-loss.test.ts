/**
 * Losses of power: everything that the store's process wrote is recorded with every fsync, and the disk is put together as it would be
 * found if the power had gone at a moment of it. What had been acknowledged by then is there. The long form: 500 losses over 10 recordings.
 */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { verifyStore } from './maintenance/verify.js'
import { expectInLog, readAcknowledged } from './testing/expect-in-log.js'
import { type DiskEvent, readTrace, TracedDisk, tracedCalls } from './testing/traced-disk.js'

const long = process.env.MILLRACE_TEST_LONG === '1'
const isLeftOut = (process.env.MILLRACE_TEST_WITHOUT ?? '').split(',').includes('strace')
const [recordings, lossesEach] = long ? [10, 50] : [1, 10]
/** So many that the write-ahead log is checkpointed meanwhile, at 1,000 pages. */
const leastAcknowledged = 1_500

it.skipIf(isLeftOut)(
  `keeps every acknowledged write over ${recordings * lossesEach} losses of power`,
  { timeout: recordings * 240_000 },
  async () => {
    const work = await mkdtemp(join(tmpdir(), 'millrace-power-'))
    let losses = 0
    let unsynced = 0
    let acknowledgements = 0
    for (let recording = 0; recording < recordings; recording++) {
      const folder = join(work, `store-${recording}`)
      const trace = join(work, 'trace')
      await record(folder, trace, recording)
      const events = await readTrace(trace, folder)
      const [first, last] = [events.findIndex(({ type }) => type === 'said'), events.length - 1]
      const moments = fc.sample(fc.integer({ min: first, max: last }), { seed: recording, numRuns: lossesEach }).sort((a, b) => a - b)
      const fates = fc.sample(fc.constantFrom('lost', 'lost', 'whole', 'torn'), { seed: recording, numRuns: 10_000 })
      const disk = new TracedDisk()
      /** By descriptor: the loader of TypeScript has processes of its own. */
      const said = new Map<string, string>()
      let at = 0
      for (const moment of moments) {
        for (; at <= moment; at++) {
          const event = events[at] as DiskEvent
          if (event.type === 'said') said.set(event.file, (said.get(event.file) ?? '') + event.text)
          disk.take(event)
        }
        // Each second time nothing is left of what was not durable.
        const found = join(work, 'found')
        const kept = () => {
          unsynced++
          return losses % 2 === 0 ? 'lost' : (fates[unsynced % fates.length] ?? 'lost')
        }
        await mkdir(found, { mode: 0o700 })
        await disk.save(folder, found, kept)
        const acknowledged = [...said.values()].flatMap((text) => text.split('\n')).flatMap((line) => readAcknowledged(line) ?? [])
        acknowledgements += acknowledged.length
        await expectInLog(found, acknowledged)
        expect((await verifyStore({ directory: found })).problems).toEqual([])
        await rm(found, { recursive: true })
        losses++
      }
      expect(events.some((event) => event.type === 'synced' && event.file.endsWith('.db'))).toBe(true)
      await rm(folder, { recursive: true })
    }
    expect(unsynced).toBeGreaterThan(losses)
    expect(acknowledgements).toBeGreaterThan(100 * losses)
    expect(acknowledgements).toBeGreaterThan(100 * losses)
    await rm(work, { recursive: true })
  },
)

/** Writes until so much has been acknowledged, under strace, then kills all of it. */
async function record(folder: string, trace: string, seed: number): Promise<void> {
  await promisify(execFile)('strace', ['-f', '-o', trace, 'true']).catch((cause: Error) => {
    throw new Error('strace, by which the writes are recorded, does not work here; MILLRACE_TEST_WITHOUT=strace leaves this test out', {
      cause,
    })
  })
  const writer = [process.execPath, '--import', 'tsx', join(import.meta.dirname, 'testing/kill-writer.ts'), folder, String(seed)]
  const options = ['-f', '-y', '-xx', '-s', '4000000', '-e', `trace=${tracedCalls}`, '-o', trace]
  const child = spawn('strace', [...options, ...writer], { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  let lines = 0
  for await (const chunk of child.stdout) {
    lines += String(chunk).split('\n').length - 1
    if (lines >= leastAcknowledged && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }
  await exited
}
