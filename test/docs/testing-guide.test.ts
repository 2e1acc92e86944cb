/** docs/guides/testing-controllers.md: the example is the file that runs, and every word of the kit is there. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { testCluster } from '../../lib/testing/test-cluster.js'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const guide = read('docs/guides/testing-controllers.md')

it('shows the example as it is', () => {
  expect(guide).toContain(`\`\`\`ts\n${read('examples/02-warm-pool/convergence.test.ts')}\`\`\``)
})

it('names what a cluster can do', async () => {
  await using cluster = await testCluster()
  const forOurselves = ['url', 'store', 'registry', 'server', 'admin', 'revoke']
  const words = Object.keys(cluster).filter((word) => !forOurselves.includes(word))
  expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(guide))).toEqual([])
})
