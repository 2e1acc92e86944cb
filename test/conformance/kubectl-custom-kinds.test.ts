/** kubectl and kinds that users define: made, explained, used in every form, changed, and deleted with their objects. */
import { expect, it } from 'vitest'
import { stringify } from 'yaml'
import { runControllers } from '../../controller-manager/run-controllers.js'
import { systemClock } from '../../lib/base/clock.js'
import { silentLogger } from '../../lib/base/log.js'
import { createClient } from '../../lib/client/create-client.js'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'

/** The API server, and the controller that empties kinds. */
async function start() {
  const cluster = await startApiServerAlone()
  const stop = new AbortController()
  const client = createClient(await cluster.server.configOf('system:controller-manager'))
  const only = ['definition-deletion']
  const running = runControllers({ client, clock: systemClock, log: silentLogger, identity: 'test', only }, stop.signal)
  const end = async () => {
    stop.abort()
    await running
    await client.close()
    await cluster.end()
  }
  return { ...cluster, end }
}

const number = { type: 'integer', minimum: 0 }

function gardenDefinition(group: string, spec: object = {}) {
  const schema = {
    type: 'object',
    description: 'A place where things grow.',
    properties: {
      spec: {
        type: 'object',
        description: 'What shall grow.',
        required: ['plants'],
        'x-kubernetes-validations': [
          { rule: 'self.plants.all(p, p.count <= self.beds * 10)', message: 'no bed takes more than ten plants' },
          { rule: 'self.beds >= oldSelf.beds', message: 'beds are not given up' },
        ],
        properties: {
          beds: { ...number, default: 1, description: 'How many beds there are.' },
          serial: { type: 'integer', format: 'int64' },
          plants: {
            type: 'array',
            maxItems: 20,
            'x-kubernetes-list-type': 'map',
            'x-kubernetes-list-map-keys': ['name'],
            items: {
              type: 'object',
              required: ['name'],
              properties: { name: { type: 'string', pattern: '^[a-z]+$' }, count: { ...number, default: 1 } },
            },
          },
          ...spec,
        },
      },
      status: { type: 'object', properties: { beds: number, ready: { type: 'boolean' } } },
    },
  }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `gardens.${group}` },
    spec: {
      group,
      scope: 'Namespaced',
      names: { plural: 'gardens', kind: 'Garden', shortNames: [`gd${group.replace(/\D/g, '')}`], categories: ['plots'] },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { status: {}, scale: { specReplicasPath: '.spec.beds', statusReplicasPath: '.status.beds' } },
          selectableFields: [{ jsonPath: '.spec.beds' }],
          additionalPrinterColumns: [
            { name: 'Beds', type: 'integer', jsonPath: '.spec.beds' },
            { name: 'Plants', type: 'string', jsonPath: '.spec.plants[*].name' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
            { name: 'Serial', type: 'integer', jsonPath: '.spec.serial', priority: 1 },
          ],
        },
      ],
    },
  }
}

describeKubectls(start, (kubectl) => {
  const group = `${kubectl.namespace}.example.com`
  const definition = `crd gardens.${group}`
  const garden = (name: string, spec: object) => ({
    input: stringify({ apiVersion: `${group}/v1`, kind: 'Garden', metadata: { name }, spec }),
  })
  const define = (spec: object = {}) => ({ input: stringify(gardenDefinition(group, spec)) })

  it('defines a kind, and waits until it is there', async () => {
    expect(await kubectl.out('apply -f -', define())).toBe(`customresourcedefinition.apiextensions.k8s.io/gardens.${group} created\n`)
    expect(await kubectl.out(`wait ${definition} --for=condition=established --timeout=10s`)).toContain('condition met')
    expect(await kubectl.out('apply -f -', define())).toContain('unchanged')
    expect(await kubectl.out(`get ${definition}`)).toMatch(/CREATED AT/)
    expect(await kubectl.out(`describe ${definition}`)).toContain('InitialNamesAccepted')
    expect(await kubectl.out(`api-resources --api-group=${group} --no-headers`)).toMatch(/^gardens +gd\d+ +\S+\/v1 +true +Garden\s*$/)
  })

  it('is told why a definition is refused, with the path', async () => {
    const wrong = { ...gardenDefinition(`other.${group}`), metadata: { name: `gardens.other.${group}` } }
    const text = stringify(wrong).replace('self.beds >= oldSelf.beds', 'self.bets >= 1').replace('^[a-z]+$', '(?=a)')
    const said = await kubectl.refusal('create -f -', { input: text })
    expect(said).toContain(
      'spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[plants].items.properties[name].pattern: Invalid value',
    )
    const rule = { input: stringify(wrong).replace('self.beds >= oldSelf.beds', 'self.bets >= 1') }
    expect(await kubectl.refusal('create -f -', rule)).toContain(
      'x-kubernetes-validations[1].rule: Invalid value: "self.bets >= 1": compilation failed: No such key: bets',
    )
  })

  it('explains it', async () => {
    const text = await kubectl.out(`explain gardens.spec --api-version=${group}/v1`)
    expect(text).toContain('What shall grow.')
    expect(text).toMatch(/plants\s+<\[\]Object> -required-/)
  })

  it('applies, edits and prints its objects', async () => {
    const plants = [
      { name: 'kale', count: 4 },
      { name: 'leek', count: 1 },
    ]
    expect(await kubectl.out('apply -f -', garden('a', { plants }))).toBe(`garden.${group}/a created\n`)
    expect(await kubectl.out('apply -f -', garden('a', { plants }))).toBe(`garden.${group}/a unchanged\n`)
    expect(await kubectl.out('apply -f -', garden('a', { plants, serial: 3 }))).toBe(`garden.${group}/a configured\n`)
    const patch = `patch garden.${group} a --type=merge -p '{"spec":{"serial":9007199254740993}}'`
    expect(await kubectl.out(patch)).toContain('patched')
    expect(await kubectl.out(`get gardens.${group} a -o wide`)).toMatch(
      /^NAME +BEDS +PLANTS +AGE +SERIAL\na +1 +kale.* +\S+ +9007199254740993\n$/,
    )
    expect(await kubectl.out(`get gd${group.replace(/\D/g, '')} a -o jsonpath='{.spec.plants[1].count}'`)).toBe('1')
    expect(await kubectl.out('get plots --no-headers')).toMatch(/kale/)
    expect(await kubectl.out(`get gardens.${group} --field-selector spec.beds=1 -o name`)).toBe(`garden.${group}/a\n`)
    expect(await kubectl.out(`describe garden.${group} a`)).toContain('Kind:         Garden')
    expect(await kubectl.out(`label garden.${group} a sun=yes`)).toContain('labeled')
    expect(await kubectl.refusal(`patch garden.${group} a -p '{"spec":{"beds":2}}'`)).toContain('strategic-merge-patch+json')
  })

  it('is told of unknown fields and broken rules', async () => {
    expect(await kubectl.refusal('apply -f -', garden('b', { plants: [], bets: 1 }))).toContain('unknown field "spec.bets"')
    const wrong = await kubectl.refusal('apply -f -', garden('b', { plants: [{ name: 'KALE', count: 90 }] }))
    expect(wrong).toContain('spec.plants[0].name: Invalid value: "KALE": spec.plants[0].name in body should match \'^[a-z]+$\'')
    const many = await kubectl.refusal('apply -f -', garden('b', { plants: [{ name: 'kale', count: 90 }] }))
    expect(many).toContain('no bed takes more than ten plants')
  })

  it('scales, and obeys rules about changes', async () => {
    expect(await kubectl.out(`scale garden.${group}/a --replicas=3`)).toContain('scaled')
    expect(await kubectl.out(`get garden.${group} a -o jsonpath='{.spec.beds}'`)).toBe('3')
    expect(await kubectl.refusal(`scale garden.${group}/a --replicas=2`)).toContain('beds are not given up')
    expect(await kubectl.out(`patch garden.${group} a --subresource=status --type=merge -p '{"status":{"ready":true}}'`)).toContain(
      'patched',
    )
    expect(await kubectl.out(`wait garden.${group}/a --for=jsonpath='{.status.ready}'=true --timeout=10s`)).toContain('condition met')
  })

  it('applies at the server, by the schema', async () => {
    const apply = (name: string, plants: object[]) =>
      kubectl.out(`apply --server-side --field-manager=${name} -f -`, garden('s', { plants }))
    await apply('one', [{ name: 'kale', count: 2 }])
    await apply('two', [{ name: 'leek', count: 3 }])
    expect(await kubectl.out(`get garden.${group} s -o jsonpath='{.spec.plants[*].name}'`)).toBe('kale leek')
    await apply('one', [])
    expect(await kubectl.out(`get garden.${group} s -o jsonpath='{.spec.plants[*].name}'`)).toBe('leek')
  })

  it('sees what the definition is now', async () => {
    await kubectl.out('apply -f -', define({ shade: { type: 'boolean', default: true, description: 'Whether trees stand around.' } }))
    expect(await kubectl.out(`get garden.${group} a -o jsonpath='{.spec.shade}'`)).toBe('true')
    expect(await kubectl.out(`explain gardens.spec.shade --api-version=${group}/v1`)).toContain('Whether trees stand around.')
  })

  it('deletes the definition, and its objects with it', async () => {
    expect(await kubectl.out(`delete ${definition} --timeout=50s`)).toContain('deleted')
    expect(await kubectl.refusal(`get gardens.${group}`)).toMatch(/doesn't have a resource type|could not find the requested resource/)
    await kubectl.out('apply -f -', define())
    expect(await kubectl.out(`get gardens.${group} -o name`)).toBe('')
    await kubectl.out(`delete ${definition} --timeout=50s`)
  })
})
