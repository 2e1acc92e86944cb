import { describe, expect, it } from 'vitest'
import { BackendError } from '../../backend.js'
import { isNamed, parseImageReference, pullReference } from './image-reference.js'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

describe('an image name', () => {
  it.each([
    ['busybox', 'busybox:latest'],
    ['busybox:1.36', 'busybox:1.36'],
    ['library/busybox:1.36-musl', 'library/busybox:1.36-musl'],
    ['localhost/app', 'localhost/app:latest'],
    ['localhost:5000/app', 'localhost:5000/app:latest'],
    ['registry.example.com:5000/team/my-app_x.y:V1', 'registry.example.com:5000/team/my-app_x.y:V1'],
    [`busybox@${digest}`, `busybox@${digest}`],
    [`busybox:1.36@${digest}`, `busybox@${digest}`],
    ['a--b/c__d', 'a--b/c__d:latest'],
  ])('%s is pulled as %s', (name, pulled) => {
    expect(pullReference(parseImageReference(name))).toBe(pulled)
  })

  it.each([
    '',
    ' busybox',
    'busybox ',
    'Busybox',
    'busybox:',
    'busybox:a/b',
    'busybox:-x',
    'busybox@sha256',
    'busybox@sha256:xyz',
    '/busybox',
    'busybox/',
    'a//b',
    '../etc/passwd',
    'a/../b',
    'a..b',
    'a._b',
    'a___b',
    '-a',
    'a-',
    'busybox\n',
    'busybox\0',
    'büsybox',
    'busybox?x=y',
    'busybox#x',
    'registry.example.com:port/app',
    '-x.example.com/app',
    'a'.repeat(2000),
    `registry.example.com/${'a'.repeat(256)}`,
    'sha256:0123',
    digest,
    'millrace-snapshot/0123/machine:snapshot',
    'docker.io/millrace-snapshot/0123/machine:snapshot',
    'index.docker.io/millrace-snapshot/0123/machine:snapshot',
  ])('%j is refused for good, in words', (name) => {
    try {
      parseImageReference(name)
      expect.unreachable('it was taken')
    } catch (error) {
      expect(error).toBeInstanceOf(BackendError)
      expect(error).toMatchObject({ reason: 'InvalidImageName', retryable: false, message: expect.stringContaining('is not valid') })
    }
  })

  it('is read in time that grows with its length alone', () => {
    const evil = ['a-'.repeat(500), 'a_'.repeat(500), '.'.repeat(1000), 'a.'.repeat(120), `${'a/'.repeat(500)}A`, `a:${'a'.repeat(1000)}!`]
    const before = performance.now()
    for (let n = 0; n < 1000; n++) for (const name of evil) expect(() => parseImageReference(name)).toThrow(BackendError)
    expect(performance.now() - before).toBeLessThan(5000)
  })

  it.each([
    ['busybox', ['busybox:latest'], true],
    ['docker.io/library/busybox:1.36', ['busybox:1.36'], true],
    ['team/app', ['team/app:latest'], true],
    [`busybox:1.36@${digest}`, [`busybox@${digest}`], true],
    ['localhost:5000/app:1', ['other:1', 'localhost:5000/app:1'], true],
    ['0', ['millrace-snapshot/0123/machine:snapshot'], false],
    ['0123456789ab', ['busybox:latest'], false],
    ['team/app:0123456789ab', ['busybox:latest'], false],
    ['busybox', [], false],
  ])('%s is the name of an image that the engine calls %j: %s', (name, names, expected) => {
    const [RepoTags, RepoDigests] = [names.filter((one) => !one.includes('@')), names.filter((one) => one.includes('@'))]
    expect(isNamed({ RepoTags, RepoDigests }, parseImageReference(name))).toBe(expected)
    expect(isNamed({ RepoTags: null }, parseImageReference(name))).toBe(false)
  })
})
