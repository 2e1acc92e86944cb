import { describe, expect, it } from 'vitest'
import { aTask } from '../../../fixtures/a-task.js'
import type { RunSpec } from '../../backend.js'
import { containerOptions } from './container-options.js'

const aRun = (spec: Parameters<typeof aTask>[0] = {}, run: Partial<RunSpec> = {}): RunSpec => ({
  id: { uid: 'u-1', attempt: 2, run: 3 },
  namespace: 'default',
  name: 'subject',
  spec: { ...aTask(spec).spec, image: 'busybox' },
  env: {},
  mounts: [],
  logDirectory: '/logs',
  ...run,
})

describe('the container of a run', () => {
  it('has the GPUs that it was given, and no others', () => {
    const given = containerOptions(aRun({}, { gpus: [{ index: 0, uuid: 'GPU-a' }, { index: 2 }] }), 'agent-1', 'bridge')
    expect(given.HostConfig?.DeviceRequests).toEqual([{ Driver: 'nvidia', DeviceIDs: ['GPU-a', '2'], Capabilities: [['gpu']] }])
    const none = containerOptions(aRun({}, { gpus: [] }), 'agent-1', 'bridge')
    expect(none.HostConfig?.DeviceRequests).toBeUndefined()
    expect(none.Env).toContain('NVIDIA_VISIBLE_DEVICES=void')
  })

  it('carries its identity in name and labels', () => {
    const options = containerOptions(aRun(), 'agent-1', 'bridge')
    expect(options.name).toBe('millrace-u-1.2.3')
    expect(options.Labels).toEqual({
      'millrace.dev/agent': 'agent-1',
      'millrace.dev/kind': 'Task',
      'millrace.dev/namespace': 'default',
      'millrace.dev/name': 'subject',
      'millrace.dev/uid': 'u-1',
      'millrace.dev/attempt': '2',
      'millrace.dev/run': '3',
    })
    expect(options.Env).toEqual(['MILLRACE_RUN=u-1.2.3'])
    expect(options.HostConfig?.DeviceRequests).toBeUndefined()
  })

  it('has no rights beyond those of its image, and nothing but the fields of the allow-list', () => {
    const { HostConfig } = containerOptions(aRun(), 'agent-1', 'bridge')
    expect(Object.keys(HostConfig ?? {}).sort()).toEqual([
      'AutoRemove',
      'LogConfig',
      'Mounts',
      'NetworkMode',
      'PidsLimit',
      'PortBindings',
      'Privileged',
      'RestartPolicy',
    ])
    expect(HostConfig).toMatchObject({ Privileged: false, AutoRemove: false, RestartPolicy: { Name: 'no' } })
    expect(HostConfig?.LogConfig).toEqual({ Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '5' } })
  })

  it('takes paths as they are, whatever is in them', () => {
    const source = '/data/a:b,c=d;readonly'
    const mounts = [{ volume: 'v', source, target: '/in:side,rw', readOnly: true }]
    const { HostConfig } = containerOptions(aRun({}, { mounts }), 'agent-1', 'bridge')
    expect(HostConfig?.Binds).toBeUndefined()
    expect(HostConfig?.Mounts).toEqual([
      { Type: 'bind', Source: source, Target: '/in:side,rw', ReadOnly: true, BindOptions: { Propagation: 'rprivate' } },
    ])
  })

  it('has the limits of the task', () => {
    const resources = { requests: { cpu: '250m' }, limits: { cpu: 1.5, memory: '64Mi' } }
    const { HostConfig } = containerOptions(aRun({ spec: { resources } }), 'agent-1', 'bridge')
    expect(HostConfig).toMatchObject({ NanoCpus: 1_500_000_000, CpuShares: 256, Memory: 64 * 1024 ** 2, MemorySwap: 64 * 1024 ** 2 })
  })

  it('publishes only the ports that ask for one of the node', () => {
    const ports = [
      { port: 80, protocol: 'TCP' as const },
      { port: 53, protocol: 'UDP' as const, hostPort: 5353 },
    ]
    const options = containerOptions(aRun({ spec: { ports } }), 'agent-1', 'bridge')
    expect(options.ExposedPorts).toEqual({ '53/udp': {} })
    expect(options.HostConfig?.PortBindings).toEqual({ '53/udp': [{ HostPort: '5353' }] })
  })

  it.each([
    [{}, undefined, undefined],
    [{ command: ['a', 'b'] }, ['a', 'b'], []],
    [{ command: ['a'], args: ['x'] }, ['a'], ['x']],
    [{ command: undefined, args: ['x'] }, undefined, ['x']],
  ])('of a spec %j runs entrypoint %j with %j', (spec, entrypoint, cmd) => {
    const options = containerOptions(aRun({ spec: { command: undefined, ...spec } }), 'agent-1', 'bridge')
    expect(options.Entrypoint).toEqual(entrypoint)
    expect(options.Cmd).toEqual(cmd)
  })
})
