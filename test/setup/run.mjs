#!/usr/bin/env node
/**
 * `npm test`: installs and builds what is missing, installs the machine's parts that tests need, then runs vitest. Arguments go to vitest:
 * `npm test -- lib/api`. `--long` (npm run test:long) asks for the full counts. The last line is "N passed, N failed".
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { build } from '../../launcher/setup/build.mjs'
import { installPackages } from '../../launcher/setup/packages.mjs'
import { checkNode, SetupError } from '../../launcher/setup/requirements.mjs'
import { installMachineParts } from './machine-parts.mjs'

const root = path.resolve(import.meta.dirname, '../..')
const args = process.argv.slice(2)
const vitestArgs = args.filter((arg) => arg !== '--long')

try {
  checkNode()
  await installPackages(root)
  await build(root)
  if (vitestArgs.length === 0) await installMachineParts()
} catch (error) {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`)
  process.exit(1)
}

const child = spawn(
  process.execPath,
  ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default', '--reporter=./test/setup/summary-reporter.ts', ...vitestArgs],
  { cwd: root, stdio: 'inherit', env: { ...process.env, ...(args.includes('--long') ? { MILLRACE_TEST_LONG: '1' } : {}) } },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code) => process.exit(code ?? 1))
