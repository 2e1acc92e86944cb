/** GPUs from the agent's nvidia-smi (one that pretends) to the environment of Tasks. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fakeNvidiaSmi } from '../../nodeagent/fixtures/fake-nvidia-smi.js'
import { type OneMachine, oneMachine } from './one-machine.js'

const bin = mkdtempSync(path.join(tmpdir(), 'millrace-gpus-'))
let machine: OneMachine
beforeAll(async () => {
  await fakeNvidiaSmi(bin, 4)
  machine = await oneMachine({ env: { PATH: `${bin}:${process.env.PATH}` } })
  const started = await machine.launch('up', '--backends', 'process')
  expect(started.code, started.err).toBe(0)
})
afterAll(async () => {
  await machine[Symbol.asyncDispose]()
  rmSync(bin, { recursive: true })
})

it('each Task sees the GPUs that it was given, and no other', async () => {
  const node = (await machine.kubectlLite('get', 'nodes', '-o', 'jsonpath={.items[0].metadata.name}')).out
  const run = (name: string, ...flags: string[]) =>
    machine.kubectlLite('run', name, ...flags, '--', 'sh', '-c', 'echo "[$CUDA_VISIBLE_DEVICES]"; sleep 600')
  await run('two', '--limits', 'millrace.dev/gpu=2')
  expect((await machine.kubectlLite('wait', 'task/two', '--for=condition=Running', '--timeout=90s')).code).toBe(0)
  await run('named', '--target', `${node}::3`)
  await run('none')
  for (const name of ['named', 'none'])
    expect((await machine.kubectlLite('wait', `task/${name}`, '--for=condition=Running', '--timeout=90s')).code).toBe(0)
  await run('waits', '--limits', 'millrace.dev/gpu=2')
  const seen = async (name: string) => (await machine.kubectlLite('logs', name, '--tail=1')).out.trim()
  expect(await Promise.all(['two', 'named', 'none'].map(seen))).toEqual(['[GPU-fake-0,GPU-fake-1]', '[GPU-fake-3]', '[]'])
  expect((await machine.kubectlLite('describe', 'task', 'two')).out).toMatch(/GPUs: +0, 1\n/)
  expect((await machine.kubectlLite('why', 'task/waits')).out).toContain('lacks millrace.dev/gpu (asks 2, 1 free)')
  await machine.kubectlLite('delete', 'task', 'two', '--grace-period=0', '--timeout=90s')
  expect((await machine.kubectlLite('wait', 'task/waits', '--for=condition=Running', '--timeout=90s')).code).toBe(0)
  expect(await seen('waits')).toBe('[GPU-fake-0,GPU-fake-1]')
})
