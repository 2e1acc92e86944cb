import { expect, it } from 'vitest'
import { type Holder, promisedAmounts } from './workload-promise.js'

const gibibyte = 1024 ** 3
const limits = (memory: string) => ({ limits: { memory } })

it.each<[string, Holder['spec'], Holder['status'], number]>([
  ['a Task that names nothing', {}, undefined, gibibyte / 16],
  ['a Task as a microVM that names nothing: the memory of its guest', { backend: 'qemu' }, undefined, gibibyte / 2],
  [
    'a Task as a microVM that may use more than it asks for',
    { backend: 'qemu', resources: { requests: { memory: '256Mi' }, ...limits('1Gi') } },
    undefined,
    gibibyte,
  ],
  ['a Task as a microVM that has ended', { backend: 'qemu' }, { phase: 'Succeeded' }, 0],
  [
    'a Vps on Docker',
    { backend: 'docker', running: true, resources: { requests: { memory: '1Gi' }, ...limits('2Gi') } },
    undefined,
    gibibyte,
  ],
  ['a Vps on QEMU that names nothing', { backend: 'qemu', running: true }, undefined, gibibyte],
  [
    'a Vps on QEMU that runs with more than it is to have',
    { backend: 'qemu', running: true, resources: limits('2Gi') },
    { phase: 'Running', resources: { memory: '3Gi' } },
    3 * gibibyte,
  ],
  ['a Vps on QEMU that has stopped', { backend: 'qemu', running: false }, { phase: 'Stopped' }, 0],
])('the memory that is promised to %s', (_name, spec, status, bytes) => {
  expect(promisedAmounts({ spec, status }).memory ?? 0).toBe(bytes)
})
