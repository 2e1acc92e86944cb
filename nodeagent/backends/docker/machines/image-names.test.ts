import { expect, it } from 'vitest'
import { givesNames } from './image-names.js'

it.each([
  ['[{"Config":"blobs/x","RepoTags":null,"Layers":[]}]', false],
  ['[{"Config":"blobs/x","RepoTags":[]}]', false],
  ['[{"Config":"blobs/x"}]', false],
  ['[{"RepoTags":null},{"RepoTags":["busybox:1.36"]}]', true],
  ['[{"RepoTags":null,"repotags":["busybox:1.36"]}]', true],
  ['{"schemaVersion":2,"manifests":[{"digest":"sha256:0"}]}', false],
  ['{"schemaVersion":2,"manifests":[{"annotations":{"io.containerd.image.name":"busybox:1.36"}}]}', true],
  ['{}', false],
  ['{"busybox":{"1.36":"0123"}}', true],
  ['"busybox"', true],
  ['no JSON', true],
])('%s gives names: %s', (text, expected) => {
  expect(givesNames(text)).toBe(expected)
})
