import { defineKind } from '../../../lib/api/define-kind.js'
import { t } from '../../../lib/api/schema/t.js'

/** A parent with so many children. */
export const Pool = defineKind({
  group: 'bench.example.com',
  version: 'v1',
  kind: 'Pool',
  plural: 'pools',
  scope: 'Namespaced',
  description: 'A number of ConfigMaps.',
  spec: t.object({ size: t.integer().describe('How many.') }),
  status: t.object({ ready: t.integer().describe('How many there are.').optional() }),
  subresources: ['status'],
})
