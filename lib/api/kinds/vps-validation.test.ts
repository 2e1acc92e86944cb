import { expect, it } from 'vitest'
import { defaultVpsSpec } from '../../testing/a-vps.js'
import { validateVps } from './vps-validation.js'

it('user data that lie there from before the rule keep nobody from changing, or deleting, the rest', () => {
  const vps = {
    apiVersion: 'millrace.dev/v1',
    kind: 'Vps',
    metadata: { name: 'v' },
    spec: { ...defaultVpsSpec, backend: 'qemu', image: 'debian-12', userData: 'packages: [git]' },
  } as unknown as Parameters<typeof validateVps>[0]
  expect(validateVps(vps, undefined)).toMatchObject([{ field: 'spec.userData' }])
  expect(validateVps(vps, vps)).toEqual([])
})
