import type Docker from 'dockerode'
import { expect, it } from 'vitest'
import { usageOf } from './container-usage.js'

const stats = (memory: object) =>
  ({ cpu_stats: { cpu_usage: { total_usage: 42 } }, memory_stats: memory }) as unknown as Docker.ContainerStats

it.each([
  ['version 2', { usage: 1000, stats: { inactive_file: 300 } }, { cpuNanos: 42, memoryBytes: 700 }],
  ['version 1', { usage: 1000, stats: { inactive_file: 1, total_inactive_file: 400 } }, { cpuNanos: 42, memoryBytes: 600 }],
  ['no details', { usage: 1000 }, { cpuNanos: 42, memoryBytes: 1000 }],
  ['a container that has ended', {}, undefined],
])('of %s of control groups', (_which, memory, usage) => {
  expect(usageOf(stats(memory))).toEqual(usage)
})
