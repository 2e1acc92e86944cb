import { expect, it } from 'vitest'
import { BackendError } from '../backends/backend.js'
import { describeFailure } from './step-error.js'

const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' })

it.each<[string, unknown, string, RegExp]>([
  ['a full disk, and what to do', full, 'CreateFailed', /^the disk of the node is full: remove .*; it goes on by itself$/],
  [
    'one behind another failure',
    new Error('the record could not be written', { cause: full }),
    'CreateFailed',
    /^the disk of the node is full/,
  ],
  ['one of which the backend spoke', new BackendError('StartFailed', 'its words', true, { cause: full }), 'StartFailed', /^its words$/],
  ['anything else', new Error('as it is'), 'CreateFailed', /^as it is$/],
])('says %s', (_what, error, reason, message) => {
  expect(describeFailure(error, 'CreateFailed')).toEqual({ reason, message: expect.stringMatching(message), retryable: true })
})
