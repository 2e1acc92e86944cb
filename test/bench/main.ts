/**
 * `npm run bench`: what was measured, our median, the raw limit or peer of the same
 * run, the ratio, the goal. As a table, and with --json as JSON.
 *
 *     npm run bench -- --only 1,2,3 --rounds 5 --json figures.json
 *     npm run bench -- --against HEAD~1
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import path from 'node:path'
import { FlagError, parseFlags } from '../../lib/base/flags.js'
import { createOwner, projectRoot } from '../processes/owner.js'
import { compareWith } from './against.js'
import type { Bench, Measurement, Row } from './measure.js'
import { printTable } from './report.js'
import { rows } from './rows/index.js'

async function main(): Promise<number> {
  const { values, help } = parseFlags(
    {
      program: 'bench',
      summary: 'measures Millrace against raw limits and peers in the same run',
      flags: {
        only: { type: 'list', description: 'rows of the table of goals to run: 1,2,3', default: [] },
        rounds: { type: 'integer', description: 'rounds of each variant, interleaved', default: 5 },
        boots: { type: 'integer', description: 'microVMs that row 11 boots under load, one after another', default: 10 },
        json: { type: 'string', description: 'write the figures to this file too', value: 'FILE' },
        against: {
          type: 'string',
          description: 'compare with the build of this commit, by CPU per operation, and run no rows',
          value: 'COMMIT',
        },
        build: { type: 'string', description: 'folder of the build under test', default: projectRoot, value: 'DIR' },
      },
    },
    process.argv.slice(2),
  )
  if (help) {
    console.log(help)
    return 0
  }
  const only = new Set(values.only.map(Number))
  const { against } = values
  const chosen: readonly Row[] =
    against === undefined
      ? rows.filter((row) => only.size === 0 || row.rows.some((number) => only.has(number)))
      : [{ rows: [], name: `this build against ${against}`, run: (bench) => compareWith(bench, against) }]
  const measurements: Measurement[] = []
  let failures = 0
  const loadBefore = loadavg()
  for (const row of chosen) {
    const owner = createOwner('bench', path.resolve(values.build))
    const bench: Bench = { ...owner, rounds: values.rounds, boots: values.boots, say: (text) => process.stderr.write(`  ${text}\n`) }
    process.stderr.write(`${[...row.rows, row.name].join(' ')}\n`)
    let ending: Promise<void> | undefined
    const interrupt = () => {
      ending ??= owner.end()
    }
    for (const signal of signals) process.on(signal, interrupt)
    try {
      measurements.push(...(await row.run(bench)))
    } catch (error) {
      failures++
      if (!ending) console.error(error)
    } finally {
      await (ending ?? owner.end())
      for (const signal of signals) process.off(signal, interrupt)
    }
    if (ending) return 130
  }
  console.log(printTable(measurements))
  console.error(
    `load average ${loadBefore.map((load) => load.toFixed(1)).join(' ')} before, ${loadavg()
      .map((load) => load.toFixed(1))
      .join(' ')} after`,
  )
  if (values.json) {
    const load = { before: loadBefore, after: loadavg() }
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, memoryBytes: totalmem(), node: process.version }
    const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: projectRoot, encoding: 'utf8' }).trim()
    writeFileSync(values.json, `${JSON.stringify({ commit, date: new Date().toISOString(), machine, load, measurements }, undefined, 2)}\n`)
  }
  return failures === 0 ? 0 : 1
}

/** What they end with us: servers that were started must not outlive the bench. */
const signals = ['SIGINT', 'SIGTERM'] as const

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error instanceof FlagError ? error.message : error)
    process.exit(error instanceof FlagError ? 2 : 1)
  },
)
