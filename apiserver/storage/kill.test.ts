import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it } from 'vitest'
import { verifyStore } from './maintenance/verify.js'
import { type Acknowledged, expectInLog, readAcknowledged } from './testing/expect-in-log.js'

const long = process.env.MILLRACE_TEST_LONG === '1'
const kills = long ? 200 : 5
/** Of each writer before it is killed. */
const leastAcknowledged = 60

it(`keeps every acknowledged write over ${kills} kills, and uses no revision twice`, { timeout: 120_000 + kills * 20_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-kill-'))
  const meaningOf = new Map<number, string>()
  let acknowledged = 0
  let floor = 0
  for (let kill = 0; kill < kills; kill++) {
    const answers = await writeUntilKilled(directory, kill)
    acknowledged += answers.length
    for (const { revision, key, value } of answers) {
      expect(meaningOf.get(revision), `revision ${revision} was given twice`).toBeUndefined()
      expect(revision).toBeGreaterThan(floor)
      meaningOf.set(revision, `${key} ${value}`)
    }
    floor = await expectInLog(directory, answers)
    if (kill % 20 === 0) expect((await verifyStore({ directory })).problems).toEqual([])
  }
  expect(acknowledged).toBeGreaterThanOrEqual(kills * leastAcknowledged)
  await rm(directory, { recursive: true })
})

/** Starts a writer, kills it some random time after it has been answered often enough, and returns what it had been answered. */
async function writeUntilKilled(directory: string, seed: number): Promise<Acknowledged[]> {
  const program = join(import.meta.dirname, 'testing/kill-writer.ts')
  const child = spawn(process.execPath, ['--import', 'tsx', program, directory, String(seed)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const answers: Acknowledged[] = []
  for await (const line of createInterface(child.stdout)) {
    const answer = readAcknowledged(line)
    if (answer) answers.push(answer)
    if (answers.length === leastAcknowledged) setTimeout(() => child.kill('SIGKILL'), Math.random() * 150)
  }
  const [, signal] = await exited
  expect(signal).toBe('SIGKILL')
  return answers
}
