/** Everything that the README shows in its first five minutes, typed as it stands there. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
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
})
afterAll(async () => await machine[Symbol.asyncDispose]())

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
    if (/ (-w|--watch)$/.test(line)) {
      // A watch goes on until Ctrl-C.
      const watching = spawn('bash', ['-c', `exec ${line}`], { env, stdio: ['ignore', 'pipe', 'inherit'] })
      const ended = once(watching, 'close')
      await once(watching.stdout, 'data')
      watching.kill('SIGINT')
      expect(await ended).toEqual([130, null])
      return
    }
    const result = await run('bash', ['-c', line], env)
    expect(result.code, result.err).toBe(0)
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
