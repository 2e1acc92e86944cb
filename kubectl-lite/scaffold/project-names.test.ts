import { describe, expect, it } from 'vitest'
import { projectNames } from './project-names.js'

const group = 'example.com'

describe('the names of a project', () => {
  it.each([
    ['my-pool', undefined, 'MyPool', 'mypools', 'myPoolController'],
    ['policy', undefined, 'Policy', 'policies', 'policyController'],
    ['a', undefined, 'A', 'as', 'aController'],
    ['t', undefined, 'T', 'ts', 'tController'],
    ['web-2', undefined, 'Web2', 'web2s', 'web2Controller'],
    ['web--front', undefined, 'WebFront', 'webfronts', 'webFrontController'],
    ['default', undefined, 'Default', 'defaults', 'defaultController'],
    ['edge', 'HTTPGateway', 'HTTPGateway', 'httpgateways', 'edgeController'],
    ['x'.repeat(59), undefined, `X${'x'.repeat(58)}`, `${'x'.repeat(59)}es`, `${'x'.repeat(59)}Controller`],
  ])('of %s, kind %s', (name, asked, kind, plural, constant) =>
    expect(projectNames(name, { kind: asked, group })).toEqual({ name, kind, plural, constant, group }),
  )

  it.each([
    ['2x', undefined, group, 'begins with a letter'],
    ['My-Pool', undefined, group, 'lower-case'],
    ['pool-', undefined, group, 'does not end with -'],
    ['../pool', undefined, group, 'lower-case'],
    ['', undefined, group, '"" does not fit'],
    ['x'.repeat(60), undefined, group, 'at most 59 characters'],
    ['pool', 'pool', group, 'such as Pool'],
    ['pool', 'Warm-Pool', group, 'letters and digits'],
    ['pool', 'P'.repeat(60), group, 'at most 59'],
    ['task', undefined, group, 'the Task that Millrace is born with'],
    ['cm', undefined, group, 'taken for the ConfigMap'],
    ['pool', 'Node', group, 'another kind with --kind'],
    ['pool', undefined, 'apps', 'name one of your own with --group'],
    ['pool', undefined, 'example', 'at least one dot'],
    ['pool', undefined, 'Example.com', 'lower case'],
    ['pool', undefined, 'pools.k8s.io', 'protected groups'],
  ])('%s, kind %s, group %s is refused: %s', (name, kind, asked, words) =>
    expect(() => projectNames(name, { kind, group: asked })).toThrow(words),
  )
})
