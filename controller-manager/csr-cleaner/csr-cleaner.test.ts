import { describe, expect, it } from 'vitest'
import { CertificateSigningRequest } from '../../lib/api/kinds/certificate-signing-request.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { isOld } from './is-old.js'

const metadata = { name: 'c', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
const condition = (type: string, lastTransitionTime: string) => ({ type, status: 'True' as const, lastTransitionTime })

describe('a CertificateSigningRequest', () => {
  it.each([
    ['is kept a day while nobody answers', [], '2026-01-01T23:59:59Z', false],
    ['goes after a day without an answer', [], '2026-01-02T00:00:00Z', true],
    ['is kept an hour after its answer', [condition('Approved', '2026-01-01T01:00:00Z')], '2026-01-01T01:59:59Z', false],
    ['goes an hour after its answer', [condition('Denied', '2026-01-01T01:00:00Z')], '2026-01-01T02:00:00Z', true],
    [
      'is kept an hour after the last of its answers',
      [condition('Approved', '2026-01-01T01:00:00Z'), condition('Failed', '2026-01-01T03:00:00Z')],
      '2026-01-01T03:30:00Z',
      false,
    ],
  ])('%s', (_what, conditions, now, expected) => {
    expect(isOld({ metadata, status: { conditions } }, Date.parse(now))).toBe(expected)
  })

  it('goes in time, with the record of names whose certificates have ended', async () => {
    await using cluster = await controlledCluster({ only: ['csr-cleaner'] })
    const { admin } = cluster
    const spec = { request: 'TQ==', signerName: 'example.com/other', usages: ['client auth'] }
    for (const name of ['answered', 'waiting']) await admin.of(CertificateSigningRequest).create({ metadata: { name }, spec })
    const asked = await admin.of(CertificateSigningRequest).get({ name: 'answered' })
    const conditions = [{ type: 'Denied', status: 'True' as const, reason: 'No' }]
    await admin.of(CertificateSigningRequest).update({ ...asked, status: { conditions } }, { subresource: 'approval' })
    const record = (name: string, end: string) =>
      admin.of(ConfigMap).create({
        metadata: { name, namespace: 'kube-node-lease', labels: { 'millrace.dev/node-certificates': 'true' } },
        data: { key: end },
      })
    await record('ended', '2020-01-01T00:00:00Z')
    await record('good', '2199-01-01T00:00:00Z')
    const names = async () => [
      ...(await admin.of(CertificateSigningRequest).list()).items.map(({ metadata }) => metadata.name),
      ...(await admin.of(ConfigMap).list({ namespace: 'kube-node-lease' })).items.map(({ metadata }) => metadata.name),
    ]
    await cluster.pass(700)
    await cluster.until(async () => expect(await names()).toEqual(['answered', 'waiting', 'good']), 60)
    await cluster.pass(3_600)
    await cluster.until(async () => expect(await names()).toEqual(['waiting', 'good']), 60)
  })
})
