import { expect, it } from 'vitest'
import { hardwareOf } from './hardware.js'

it.each([
  [{}, undefined, false],
  [{ target: 'n1' }, undefined, false],
  [{ target: 'n1:1' }, 1, false],
  [{ target: 'n1:0::2,3' }, 0, true],
  [{ target: 'n1::0' }, undefined, true],
  [{ resources: { limits: { 'millrace.dev/gpu': 1 } } }, undefined, true],
  [{ resources: { requests: { 'millrace.dev/gpu': '0' } } }, undefined, false],
])('%j wants NUMA node %j and GPUs: %j', (spec, numaNode, wantsGpus) => {
  expect(hardwareOf(spec)).toEqual({ numaNode, wantsGpus })
})
