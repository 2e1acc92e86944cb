import { expect, it } from 'vitest'
import { describePullFailure } from './pull-image.js'

/** What engines say, word by word. */
it.each([
  ['manifest for busybox:9.99 not found: manifest unknown: manifest unknown', 404, 'ImageNotFound', 'the registry has no image'],
  [
    "pull access denied for nobody/nothing, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
    404,
    'ImageNotFound',
    'or its registry wants a login',
  ],
  ['unauthorized: authentication required', 500, 'ImagePullFailed', 'does not let this node pull'],
  [
    'Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host',
    500,
    'ImagePullFailed',
    'could not be reached',
  ],
  ['Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', 500, 'ImagePullFailed', 'could not be reached'],
  [
    'Get "https://x/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
    500,
    'ImagePullFailed',
    'could not be reached',
  ],
  [
    'write /var/lib/docker/tmp/x: no space left on device',
    undefined,
    'ImagePullFailed',
    "some/image:1 has no room: the disk of the node's engine is full: remove images",
  ],
  ['something nobody thought of', 500, 'ImagePullFailed', 'something nobody thought of'],
])('%s', (said, status, reason, words) => {
  const failure = describePullFailure('some/image:1', status, said)
  expect(failure).toMatchObject({ reason, retryable: true })
  expect(failure.message).toContain(words)
  expect(failure.message).toContain('some/image:1')
})
