import { expect, it } from 'vitest'
import type { Condition } from './condition.js'
import { taskPhase } from './task-phase.js'

const condition = (text: string): Condition => {
  const [type = '', status = 'True', reason = 'Because'] = text.split(' ')
  return { type, status: status as Condition['status'], reason }
}

it.each([
  [[], 'Pending'],
  [['Scheduled False'], 'Pending'],
  [['Scheduled'], 'Assigned'],
  [['Scheduled', 'Accepted False Refused'], 'Assigned'],
  [['Scheduled', 'Accepted'], 'Preparing'],
  [['Scheduled', 'Accepted', 'ImageReady False Pulling'], 'Preparing'],
  [['Scheduled', 'Accepted', 'Running'], 'Running'],
  [['Scheduled', 'Accepted', 'Running False CrashLoopBackOff'], 'Preparing'],
  [['Scheduled', 'Accepted', 'Running False Paused'], 'Paused'],
  [['Scheduled', 'Accepted', 'Running Unknown NodeUnreachable'], 'Unknown'],
  [['Scheduled', 'Accepted', 'Running False Ended', 'Complete True Succeeded'], 'Succeeded'],
  [['Scheduled', 'Accepted', 'Running False Ended', 'Complete True ExitCode'], 'Failed'],
  [['Running Unknown NodeUnreachable', 'Complete True NodeLost'], 'Failed'],
  [['Accepted', 'Running', 'Complete False'], 'Running'],
])('conditions %j make the phase %s', (conditions, phase) => {
  expect(taskPhase(conditions.map(condition))).toBe(phase)
})

it('a task without conditions is pending', () => {
  expect(taskPhase(undefined)).toBe('Pending')
})
