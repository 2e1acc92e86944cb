import { expect, it } from 'vitest'
import type { Logger } from '../lib/base/log.js'
import { BackendError } from './backends/backend.js'
import { UnseenBackends } from './unseen-backends.js'

it('a backend that cannot be looked at is told once for each reason, without a stack when it says why itself, and when it is back', () => {
  const told: unknown[] = []
  const log = {
    warn: (about: object) => told.push(about),
    info: (about: object) => told.push({ ...about, isBack: true }),
  } as unknown as Logger
  const unseen = new UnseenBackends(log)
  const away = new BackendError('BackendUnavailable', 'no engine answers', true)
  const broken = new Error('broken')
  unseen.seen('docker')
  for (const error of [away, away, broken, broken, away]) unseen.failed('docker', error)
  unseen.failed('qemu', away)
  unseen.seen('docker')
  unseen.seen('docker')
  unseen.failed('docker', away)
  expect(told).toEqual([
    { backend: 'docker', reason: 'no engine answers' },
    { backend: 'docker', err: broken },
    { backend: 'docker', reason: 'no engine answers' },
    { backend: 'qemu', reason: 'no engine answers' },
    { backend: 'docker', isBack: true },
    { backend: 'docker', reason: 'no engine answers' },
  ])
})
