import type { PeerCertificate } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { nodeOfCertificate } from './node-of-certificate.js'

const certificate = (subject: object) => ({ subject, valid_to: 'Jan  1 00:00:00 2030 GMT' }) as unknown as PeerCertificate

describe('the node of a certificate', () => {
  it('is the user system:node:NAME in the group system:nodes', () => {
    expect(nodeOfCertificate(certificate({ CN: 'system:node:n1', O: ['a', 'system:nodes'] }))).toEqual({
      name: 'n1',
      notAfterMs: Date.UTC(2030, 0, 1),
    })
  })

  it.each<[string, object | undefined]>([
    ['no certificate', undefined],
    ['an empty one', {}],
    ['a user', { CN: 'ann', O: 'system:nodes' }],
    ['a node by name alone', { CN: 'system:node:n1' }],
    ['a node of another group', { CN: 'system:node:n1', O: 'system:masters' }],
    ['a node without a name', { CN: 'system:node:', O: 'system:nodes' }],
    ['two names', { CN: ['system:node:n1', 'system:node:n2'], O: 'system:nodes' }],
  ])('is none for %s', (_case, subject) => {
    expect(nodeOfCertificate(subject && certificate(subject))).toBeUndefined()
  })
})
