/** Everything that the README shows in its first five minutes, typed as it stands there. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type OneMachine, oneMachine, root, run } from './one-machine.js'

const readme = readFileSync(path.join(root, 'README.md'), 'utf8')
const [, block = ''] = /## The first five minutes[\s\S]*?```\n([\s\S]*?)```/.exec(readme) ?? []
const lines = block.split('\n').filter((line) => line.startsWith('kubectl-lite '))

let machine: OneMachine
beforeAll(async () => {
  machine = await oneMachine()
  const started = await machine.launch('quickstart')
  expect(started.code, started.err).toBe(0)
}, 180_000)
afterAll(async () => await machine[Symbol.asyncDispose](), 120_000)

describe('the first five minutes', () => {
  it('are in the README', () => {
    expect(lines.length).toBeGreaterThanOrEqual(6)
  })

  it.each(lines)('%s', async (line) => {
    const env = {
      ...process.env,
      HOME: machine.home,
      KUBECONFIG: `${machine.directory}/admin.kubeconfig`,
      PATH: `${root}/dist/bin:${process.env.PATH}`,
    }
    // A watch goes on until Ctrl-C.
    const watches = / (-w|--watch)$/.test(line)
    const result = await run('bash', ['-c', watches ? `timeout --signal=INT 2 ${line}` : line], env)
    expect(result.code, result.err).toBe(watches ? 124 : 0)
    expect(result.out).not.toBe('')
  })

  it('end with the scripts that package.json has', () => {
    const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    const shown = [...readme.matchAll(/npm run ([\w:]+)/g)].map(([, name = '']) => name)
    expect(shown.filter((name) => !(name in scripts))).toEqual([])
    for (const [, file = ''] of readme.matchAll(/\]\(([^)]+)\)/g))
      expect(() => readFileSync(path.join(root, file)), file).not.toThrow('ENOENT')
  })
})
