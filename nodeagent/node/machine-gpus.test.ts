import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fakeNvidiaSmi } from '../fixtures/fake-nvidia-smi.js'
import { parseToolLine, readDriverGpus, readGpus } from './machine-gpus.js'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'mr-gpus-'))
})
afterEach(async () => await rm(folder, { recursive: true }))

it('are those that nvidia-smi names', async () => {
  await fakeNvidiaSmi(folder, 2)
  expect(await readGpus(`${folder}:/usr/bin:/bin`)).toEqual([
    { index: 0, uuid: 'GPU-fake-0', model: 'NVIDIA A100', memory: '40960Mi' },
    { index: 1, uuid: 'GPU-fake-1', model: 'NVIDIA A100', memory: '40960Mi' },
  ])
})

it('are those that the driver shows, where nvidia-smi fails or is not there', async () => {
  await writeFile(path.join(folder, 'nvidia-smi'), '#!/bin/sh\necho no driver\nexit 9\n', { mode: 0o755 })
  expect(await readGpus(`${folder}:/usr/bin:/bin`)).toEqual(await readDriverGpus('/proc/driver/nvidia/gpus'))
  await mkdir(path.join(folder, '0000:01:00.0'))
  await writeFile(path.join(folder, '0000:01:00.0/information'), 'Model: \t\t Tesla T4\nIRQ:   \t\t 42\nGPU UUID: \t GPU-abc\n')
  await rm(path.join(folder, 'nvidia-smi'))
  expect(await readDriverGpus(folder)).toMatchObject([{ index: 0, model: 'Tesla T4', uuid: 'GPU-abc' }])
  expect(await readDriverGpus(path.join(folder, 'none'))).toEqual([])
})

it.each([
  ['0, GPU-a, T4, 15360, 00000000:3B:00.0', { index: 0, uuid: 'GPU-a', model: 'T4', memory: '15360Mi', slot: '0000:3B:00.0' }],
  ['1, GPU-b, , [N/A], ', { index: 1, uuid: 'GPU-b', slot: '' }],
  ['No devices were found', undefined],
  ['', undefined],
])('the line %j says %j', (line, gpu) => {
  expect(parseToolLine(line)).toEqual(gpu)
})
