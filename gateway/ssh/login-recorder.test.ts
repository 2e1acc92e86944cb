import { expect, it } from 'vitest'
import type { Vps } from '../../lib/api/kinds/vps.js'
import { systemClock } from '../../lib/base/clock.js'
import type { EventRecorder } from '../../lib/client/events/event-recorder.js'
import { createLoginRecorder } from './login-recorder.js'

const vps = { apiVersion: 'millrace.dev/v1', kind: 'Vps', metadata: { name: 'dev', namespace: 'default', uid: 'u' } } as unknown as Vps

it('refusals of a scanner fold into one series, and unknown names are counted alone', () => {
  const told = { accepted: [] as string[], refused: [] as string[] }
  const counts: Record<string, number> = {}
  const recorderOf = (messages: string[]): EventRecorder => ({
    record: (_vps, _type, _reason, message) => void messages.push(message),
    flush: async () => {},
    close: async () => {},
  })
  const recorder = createLoginRecorder({
    clock: { ...systemClock, now: () => 0, monotonic: () => 0 },
    events: { accepted: recorderOf(told.accepted), refused: recorderOf(told.refused) },
    count: (result) => {
      counts[result] = (counts[result] ?? 0) + 1
    },
  })
  for (let n = 0; n < 1000; n++) recorder.refused(vps, new Map([[`SHA256:${n}`, 'ssh-rsa']]), `10.0.0.${n}`)
  recorder.refused(undefined, new Map([['SHA256:x', 'ssh-rsa']]), '10.0.0.1')
  recorder.accepted(vps, 'ssh-ed25519 SHA256:mine', '10.0.0.2')
  expect(new Set(told.refused).size).toBe(11)
  expect(told.refused[0]).toBe('from 10.0.0.0 with ssh-rsa SHA256:0: none of the keys of this Vps')
  expect(told.accepted).toEqual(['logged in from 10.0.0.2 with ssh-ed25519 SHA256:mine'])
  expect(counts).toEqual({ refused: 1000, unknown: 1, accepted: 1 })
})
