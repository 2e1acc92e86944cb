import { describe, expect, it } from 'vitest'
import { Secret } from '../../lib/api/kinds/secret.js'
import { controlledCluster } from '../fixtures/controlled-cluster.js'
import { isOver } from './token-cleaner.js'

describe('a join token', () => {
  const encoded = (text: string) => ({ data: { expiration: Buffer.from(text).toString('base64') } })
  it.each([
    ['2026-01-01T00:00:00Z', true],
    ['2026-01-01T00:00:01Z', false],
    ['soon', false],
  ])('that ends at %s: %s', (end, expected) => expect(isOver(encoded(end), Date.parse('2026-01-01T00:00:00Z'))).toBe(expected))

  it('without an end stays', () => expect(isOver({}, Date.parse('2026-01-01T00:00:00Z'))).toBe(false))

  it('goes when its time is over, and no other Secret does', async () => {
    await using cluster = await controlledCluster({ only: ['token-cleaner'] })
    const { admin } = cluster
    const make = (name: string, type: string, seconds: number) =>
      admin.of(Secret).create({
        metadata: { name, namespace: 'kube-system' },
        type,
        stringData: { expiration: new Date(cluster.cluster.clock.now() + seconds * 1000).toISOString() },
      })
    await make('bootstrap-token-aaaaaa', 'bootstrap.kubernetes.io/token', 60)
    await make('bootstrap-token-bbbbbb', 'bootstrap.kubernetes.io/token', 7_200)
    await make('another', 'Opaque', 60)
    const names = async () => (await admin.of(Secret).list({ namespace: 'kube-system' })).items.map(({ metadata }) => metadata.name)
    const seconds = await cluster.until(async () => !(await names()).includes('bootstrap-token-aaaaaa'))
    expect(seconds).toBeGreaterThanOrEqual(60)
    expect(await names()).toEqual(['another', 'bootstrap-token-bbbbbb', 'millrace-gateway-host-key'])
  })
})
