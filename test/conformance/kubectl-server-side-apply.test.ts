/** kubectl apply --server-side: who manages which fields, conflicts, force, removal, and the ways from and to client-side apply. */
import { expect, it } from 'vitest'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { oneOfEach, printManifests } from './one-of-each.js'

const settings = (name: string, data: string) => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: {app: x}}
data: ${data}
`

describeKubectls(startApiServerAlone, (kubectl) => {
  const command = (flags = '') => `apply --server-side -f - ${flags}`
  const read = (name: string, path: string) => kubectl.out(`get cm ${name} --show-managed-fields -o jsonpath='${path}'`)

  it('applies every kind, and a second time without a new revision', async () => {
    const input = printManifests(oneOfEach(kubectl.namespace))
    const applied = await kubectl.out(command(), { input })
    expect(applied.trim().split('\n')).toEqual(oneOfEach(kubectl.namespace).map(() => expect.stringMatching(/ serverside-applied$/)))
    const revisions = () => kubectl.out(`get tasks,cm,secrets,leases -o jsonpath='{.items[*].metadata.resourceVersion}'`)
    const before = await revisions()
    await kubectl.out(command(), { input })
    expect(await revisions()).toBe(before)
  })

  it('shows who manages what, when it is asked to', async () => {
    await kubectl.out(command(), { input: settings('ssa', '{a: one, b: one}') })
    expect(await read('ssa', '{.metadata.managedFields[0].manager} {.metadata.managedFields[0].operation}')).toBe('kubectl Apply')
    expect(await read('ssa', '{.metadata.managedFields[0].fieldsV1}')).toBe(
      '{"f:data":{"f:a":{},"f:b":{}},"f:metadata":{"f:labels":{"f:app":{}}}}',
    )
    expect(await kubectl.out('get cm ssa -o yaml')).not.toContain('managedFields')
  })

  it('is told with whom it conflicts, and takes fields by force', async () => {
    const other = { input: settings('ssa', '{a: two}') }
    const said = await kubectl.refusal(command('--field-manager=other'), other)
    expect(said).toMatch(
      /^error: Apply failed with 1 conflict: conflict with "kubectl": \.data\.a\nPlease review the fields above--they currently have other managers/,
    )
    expect(await kubectl.out(command('--field-manager=other --force-conflicts'), other)).toBe('configmap/ssa serverside-applied\n')
    await kubectl.out('label cm ssa app=y --overwrite')
    expect(await kubectl.refusal(command(), { input: settings('ssa', '{a: three}') })).toContain(
      'Apply failed with 2 conflicts: conflicts with "kubectl-label" using v1:\n- .metadata.labels.app\nconflicts with "other":\n- .data.a\n',
    )
    await kubectl.out('label cm ssa app=x --overwrite')
  })

  it('removes what it no longer applies, and leaves what others have', async () => {
    const input = settings('ssa', '{}')
    const diff = await kubectl.run('diff --server-side -f -', { input })
    expect([diff.code, diff.stdout]).toEqual([1, expect.stringMatching(/^- {2}b: one$/m)])
    expect(await kubectl.out(command('--dry-run=server'), { input })).toBe('configmap/ssa serverside-applied (server dry run)\n')
    expect(await read('ssa', '{.data}')).toBe('{"a":"two","b":"one"}')
    await kubectl.out(command(), { input })
    expect(await read('ssa', '{.data}')).toBe('{"a":"two"}')
    expect((await kubectl.run('diff --server-side -f -', { input })).code).toBe(0)
  })

  // kubectl knows apply --subresource from 1.32 on.
  if (kubectl.minor >= 32)
    it('keeps the status apart', async () => {
      const node = (status: string) => `{"apiVersion":"v1","kind":"Node","metadata":{"name":"${kubectl.namespace}-ssa"}${status}}`
      const input = node(',"status":{"conditions":[{"type":"Ready","status":"True"}]}')
      await kubectl.out(command(), { input: node('') })
      await kubectl.out(command('--subresource=status'), { input })
      const conditions = `get node ${kubectl.namespace}-ssa -o jsonpath='{.status.conditions[*].type}'`
      expect(await kubectl.out(conditions)).toBe('Ready')
      expect(await kubectl.out(`${conditions.replace('{.status.conditions[*].type}', '{.metadata.managedFields[*].subresource}')}`)).toBe(
        'status',
      )
      await kubectl.out(command(), { input: node('') })
      expect(await kubectl.out(conditions)).toBe('Ready')
    })

  it('takes over from client-side apply, and gives back', async () => {
    await kubectl.out('apply -f -', { input: settings('csa', '{a: one, b: one}') })
    await kubectl.out(command(), { input: settings('csa', '{a: two}') })
    expect(await read('csa', '{.data}')).toBe('{"a":"two"}')
    expect(await read('csa', '{.metadata.managedFields[*].manager}')).toBe('kubectl kubectl-last-applied')
    await kubectl.out('apply -f -', { input: settings('csa', '{c: three}') })
    expect(await read('csa', '{.data}')).toBe('{"c":"three"}')
  })

  it('is told of fields that the kind does not have', async () => {
    expect(await kubectl.refusal(command(), { input: settings('typo', '{}').replace('\ndata:', '\ndta:') })).toContain(
      '.dta: field not declared in schema',
    )
  })
})
