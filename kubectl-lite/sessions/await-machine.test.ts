import { describe, expect, it } from 'vitest'
import type { Condition } from '../../lib/api/condition.js'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { obstacleOf } from './await-machine.js'

const said = (type: string, status: Condition['status'], reason: string, message = ''): Condition =>
  ({ type, status, reason, message }) as Condition
const bound = said('Scheduled', 'True', 'Bound')
const vps = (phase: string | undefined, conditions: Condition[] = [], spec: object = {}, metadata: object = {}) =>
  ({ metadata, spec: { running: true, ssh: { mode: 'keys' }, ...spec }, status: { phase, conditions } }) as unknown as Vps

describe('what stands before a login', () => {
  it.each<[string, Vps, string | undefined]>([
    ['one that was made a moment ago', vps(undefined), 'Pending'],
    ['one that fits nowhere', vps('Pending', [said('Scheduled', 'False', 'Unschedulable', 'n1 lacks memory')]), 'Unschedulable'],
    [
      'one whose image comes',
      vps('Provisioning', [bound, said('ImageReady', 'False', 'Pulling'), said('Running', 'False', 'Preparing')]),
      'Pulling',
    ],
    ['one that was started a moment ago', vps('Stopped', [bound, said('Running', 'False', 'Stopped')]), 'Stopped'],
    ['one that ends again and again', vps('Provisioning', [bound, said('Running', 'False', 'CrashLoopBackOff')]), 'CrashLoopBackOff'],
    ['one that boots', vps('Running', [said('Running', 'True', 'Started'), said('Ready', 'False', 'Booting')]), 'Booting'],
    ['one that is held on a full disk', vps('Running', [said('Ready', 'False', 'NoSpace')]), undefined],
    ['one that answers', vps('Running', [said('Ready', 'True', 'Answers')]), undefined],
    ['one that is not to run', vps('Provisioning', [], { running: false }), undefined],
    ['one that lets nobody in', vps('Provisioning', [], { ssh: { mode: 'disabled' } }), undefined],
    ['one that is being deleted', vps('Provisioning', [], {}, { deletionTimestamp: '2026-01-01T00:00:00Z' }), undefined],
    ['one that has failed', vps('Failed', [said('Running', 'False', 'Failed')]), undefined],
    ['one whose node is silent', vps('Unknown', [said('Running', 'Unknown', 'NodeUnreachable')]), undefined],
  ])('of %s', (_name, machine, reason) => {
    expect(obstacleOf(machine)?.reason).toBe(reason)
  })
})
