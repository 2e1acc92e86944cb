/** The process itself: what the commands cannot see of their standard output. */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const main = path.join(import.meta.dirname, 'main.ts')

it('says that its output cannot be written, and fails', () => {
  const full = openSync('/dev/full', 'w')
  try {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', main, 'version', '--client'], {
      stdio: ['ignore', full, 'pipe'],
      encoding: 'utf8',
    })
    expect(stderr).toMatch(/^error: standard output cannot be written: ENOSPC/)
    expect(status).toBe(1)
  } finally {
    closeSync(full)
  }
})

it('ends well when its reader has enough', () => {
  const line = `"$0" --import tsx "$1" --help | true; echo "\${PIPESTATUS[0]}"`
  const { stdout, stderr } = spawnSync('bash', ['-c', line, process.execPath, main], { encoding: 'utf8' })
  expect({ stdout, stderr }).toEqual({ stdout: '0\n', stderr: '' })
})
