import { expect, it } from 'vitest'
import { aTask, type TaskParts } from '../../lib/testing/a-task.js'
import { hardwareOf } from './hardware.js'

const present = [{ index: 0, uuid: 'GPU-a' }, { index: 1, uuid: 'GPU-b' }, { index: 2 }]
const one = { limits: { 'millrace.dev/gpu': 1 } }

it.each<[TaskParts, ReturnType<typeof hardwareOf>]>([
  [{}, { numaNode: undefined, gpus: [] }],
  [{ spec: { target: 'n1' } }, { numaNode: undefined, gpus: [] }],
  [{ spec: { target: 'n1:1' } }, { numaNode: 1, gpus: [] }],
  [
    { spec: { target: 'n1:0::1,2' }, status: { gpus: [1, 2] } },
    { numaNode: 0, gpus: [{ index: 1, uuid: 'GPU-b' }, { index: 2 }] },
  ],
  [
    { spec: { resources: one }, status: { gpus: [0] } },
    { numaNode: undefined, gpus: [{ index: 0, uuid: 'GPU-a' }] },
  ],
  [{ spec: { resources: { requests: { 'millrace.dev/gpu': '0' } } } }, { numaNode: undefined, gpus: [] }],
])('%j has %j', (parts, hardware) => {
  expect(hardwareOf(aTask(parts), present)).toEqual(hardware)
})

it('nothing is said of GPUs where there are none', () => {
  expect(hardwareOf(aTask(), [])).toEqual({ numaNode: undefined, gpus: undefined })
})

it.each<[TaskParts, string]>([
  [{ spec: { resources: one } }, 'the node named none when it was bound'],
  [{ spec: { target: '::7' }, status: { gpus: [7] } }, 'the node has no GPU 7 any more'],
])('%j is refused: %s', (parts, words) => {
  expect(() => hardwareOf(aTask(parts), present)).toThrow(words)
})
