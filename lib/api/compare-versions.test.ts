import { expect, it } from 'vitest'
import { compareVersions } from './compare-versions.js'

it('prefers what is stable, then what is newer, then the alphabet', () => {
  const versions = ['foo10', 'v1alpha1', 'v1', 'v2beta1', 'v10', 'foo1', 'v11alpha2', 'v2', 'v1beta1', 'v3beta1']
  expect(versions.sort(compareVersions)).toEqual([
    'v10',
    'v2',
    'v1',
    'v3beta1',
    'v2beta1',
    'v1beta1',
    'v11alpha2',
    'v1alpha1',
    'foo1',
    'foo10',
  ])
})
