/** What kubectl writes where no controller has a part: create, apply, prune, replace, edit, patch, diff, label, annotate, dry runs. */
import { expect, it } from 'vitest'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { oneOfEach, printManifests } from './one-of-each.js'

const task = (name: string, more = '') => `
apiVersion: millrace.dev/v1
kind: Task
metadata: {name: ${name}, labels: {app: written}}
spec: {command: ['true']${more}}
`

describeKubectls(startApiServerAlone, (kubectl) => {
  const apply = (input: string, flags = '') => kubectl.out(`apply -f - ${flags}`, { input })

  it('applies every kind, says unchanged, and applies a change', async () => {
    const manifests = oneOfEach(kubectl.namespace)
    const outcomes = async (input: string) =>
      (await apply(input))
        .trim()
        .split('\n')
        .map((line) => line.split(' ').at(-1))
    expect(await outcomes(printManifests(manifests))).toEqual(manifests.map(() => 'created'))
    expect(await outcomes(printManifests(manifests))).toEqual(manifests.map(() => 'unchanged'))
    const labelled = manifests.map((manifest) => ({ ...manifest, metadata: { ...manifest.metadata, labels: { tier: 'back' } } }))
    expect(await outcomes(printManifests(labelled))).toEqual(manifests.map(() => 'configured'))
    expect(await kubectl.out(`get tasks,cm,secrets,leases,events -o jsonpath='{.items[*].metadata.labels}'`)).toBe(
      Array(5).fill('{"tier":"back"}').join(' '),
    )
  })

  it('creates namespaces, secrets and config maps from arguments', async () => {
    const { namespace } = kubectl
    await kubectl.out(`create namespace ${namespace}-two`)
    await kubectl.out(`create configmap settings --from-literal=a=b --from-file=${kubectl.write('words.txt', 'c d\n')}`)
    await kubectl.out('create secret generic account --from-literal=password=x --type=example.dev/account')
    await kubectl.out('create secret docker-registry registry --docker-server=r.test --docker-username=u --docker-password=p')
    const pair = await kubectl.out(
      `config view --raw -o jsonpath='{.users[0].user.client-certificate-data} {.users[0].user.client-key-data}'`,
    )
    const [certificate, key] = pair
      .split(' ')
      .map((data, index) => kubectl.write(`pair-${index}.pem`, Buffer.from(data, 'base64').toString()))
    await kubectl.out(`create secret tls pair --cert=${certificate} --key=${key}`)
    expect(await kubectl.out(`get cm settings -o jsonpath='{.data}'`)).toBe('{"a":"b","words.txt":"c d\\n"}')
    expect(await kubectl.out(`get secrets account registry pair -o jsonpath='{.items[*].type}'`)).toBe(
      'example.dev/account kubernetes.io/dockerconfigjson kubernetes.io/tls',
    )
    expect(await kubectl.refusal('create configmap settings')).toContain('configmaps "settings" already exists')
    expect(await kubectl.refusal('create configmap x -n nowhere')).toContain('namespaces "nowhere" not found')
  })

  it('is told of unknown fields, of broken rules and of wrong kinds, with the field', async () => {
    const refused = (input: string, command = 'apply') => kubectl.refusal(`${command} -f -`, { input })
    expect(await refused(task('typo', ', comand: [x]'))).toContain('strict decoding error: unknown field "spec.comand"')
    expect(await refused(task('typo', ', comand: [x]'), 'create')).toContain('unknown field "spec.comand"')
    expect(await kubectl.run('create --validate=warn -f -', { input: task('typo', ', comand: [x]') })).toMatchObject({
      code: 0,
      stderr: 'Warning: unknown field "spec.comand"\n',
    })
    expect(await refused(task('broken', ', restartPolicy: Perhaps'))).toMatch(
      /The Task "broken" is invalid: spec.restartPolicy: Unsupported value: "Perhaps"/,
    )
    expect(await refused(task('UPPER'))).toContain('metadata.name')
    expect(await refused(task('x').replace('millrace.dev/v1', 'millrace.dev/v2'))).toContain(
      'no matches for kind "Task" in version "millrace.dev/v2"',
    )
  })

  it('prunes by label among the kinds that it is given', async () => {
    const prune = '--prune -l set=one --prune-allowlist=millrace.dev/v1/Task --prune-allowlist=core/v1/ConfigMap'
    const member = (kind: string, apiVersion: string, rest: object) => ({
      apiVersion,
      kind,
      metadata: { name: 'member', labels: { set: 'one' } },
      ...rest,
    })
    const both = [member('ConfigMap', 'v1', { data: {} }), member('Task', 'millrace.dev/v1', { spec: { command: ['true'] } })]
    await apply(printManifests(both), prune)
    expect(await apply(printManifests(both.slice(0, 1)), prune)).toBe('configmap/member unchanged\ntask.millrace.dev/member pruned\n')
  })

  it('prunes by an apply set', async () => {
    const configMap = (name: string) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })
    const apply = (...names: string[]) =>
      kubectl.out(`apply -f - -n ${kubectl.namespace} --prune --applyset=set`, {
        input: printManifests(names.map(configMap)),
        env: { KUBECTL_APPLYSET: 'true' },
      })
    expect(await apply('first', 'second')).toBe('configmap/first created\nconfigmap/second created\n')
    expect(await apply('second')).toBe('configmap/second unchanged\nconfigmap/first pruned\n')
  })

  it('replaces, and replaces by force', async () => {
    const manifest = task('replaced')
    await apply(manifest)
    expect(await kubectl.out('replace -f -', { input: manifest.replace("['true']", "['true'], suspend: true") })).toBe(
      'task.millrace.dev/replaced replaced\n',
    )
    const uid = () => kubectl.out(`get task replaced -o jsonpath='{.metadata.uid}'`)
    const before = await uid()
    expect(await kubectl.out('replace --force -f -', { input: manifest })).toContain('task.millrace.dev/replaced replaced\n')
    expect(await uid()).not.toBe(before)
    expect(await kubectl.refusal('replace -f -', { input: task('absent') })).toContain('tasks.millrace.dev "absent" not found')
  })

  it('edits objects and their status', async () => {
    const editor = kubectl.write(
      'editor.sh',
      '#!/bin/sh\nsed -i "s/priority: 0/priority: 7/; s/phase: Pending/phase: Unknown/" "$1"\n',
      0o700,
    )
    const env = { KUBE_EDITOR: editor }
    expect(await kubectl.out('edit task replaced', { env })).toBe('task.millrace.dev/replaced edited\n')
    expect(await kubectl.out('edit task replaced --subresource=status', { env })).toBe('task.millrace.dev/replaced edited\n')
    expect(await kubectl.out(`get task replaced -o jsonpath='{.spec.priority} {.status.phase}'`)).toBe('7 Unknown')
  })

  it('patches in the three ways, and status apart', async () => {
    const merge = `patch task replaced --type=merge -p`
    expect(await kubectl.out(`${merge} '{"spec":{"priority":8},"status":{"phase":"Running"}}'`)).toContain('patched')
    expect(await kubectl.out(`${merge} '{"spec":{"priority":9},"status":{"phase":"Failed"}}' --subresource=status`)).toContain('patched')
    expect(await kubectl.out(`get task replaced --subresource=status -o jsonpath='{.spec.priority} {.status.phase}'`)).toBe('8 Failed')
    expect(await kubectl.out(`patch task replaced --type=json -p '[{"op":"remove","path":"/metadata/labels"}]'`)).toContain('patched')
    expect(await kubectl.out(`${merge} '{"spec":{"priority":8}}'`)).toContain('patched (no change)')
    expect(await kubectl.refusal(`patch task replaced -p '{"spec":{"suspend":true}}'`)).toContain('strategic-merge-patch')
    expect(await kubectl.refusal(`patch task replaced --type=json -p '[{"op":"test","path":"/spec/priority","value":1}]'`)).toContain(
      'testing value',
    )
    await kubectl.out(`patch cm settings -p '{"data":{"a":null,"e":"f"}}'`)
    await kubectl.out(`patch ns ${kubectl.namespace} -p '{"metadata":{"labels":{"room":"one"}}}'`)
    expect(await kubectl.out(`get cm settings -o jsonpath='{.data}'`)).toBe('{"e":"f","words.txt":"c d\\n"}')
  })

  it('labels, annotates, and meets a conflict', async () => {
    await kubectl.out('label task replaced tier=one')
    await kubectl.out('label task replaced tier=two --overwrite')
    await kubectl.out('annotate tasks --all note=seen')
    expect(await kubectl.out('get tasks -l tier=two -o name')).toBe('task.millrace.dev/replaced\n')
    expect(await kubectl.out(`label task replaced tier-`)).toContain('unlabeled')
    expect(await kubectl.refusal('label task replaced tier=four --resource-version=1')).toContain('the object has been modified')
  })

  it('diffs and dry-runs at the server', async () => {
    const changed = task('replaced', ', priority: 3')
    const { code, stdout } = await kubectl.run('diff -f -', { input: changed })
    expect([code, stdout]).toEqual([1, expect.stringMatching(/^- {2}priority: 8\n\+ {2}priority: 3$/m)])
    expect(await apply(changed, '--dry-run=server')).toContain('configured (server dry run)')
    expect(await apply(task('imagined'), '--dry-run=server -o yaml')).toContain('restartPolicy: Never')
    expect(await kubectl.out('create cm imagined --dry-run=server -o name')).toBe('configmap/imagined\n')
    expect(await kubectl.out('delete task replaced --dry-run=server')).toContain('deleted (server dry run)')
    expect(await kubectl.out('label task replaced tier=two --dry-run=server')).toContain('labeled (server dry run)')
    expect(await kubectl.out('get tasks,cm -o name')).not.toMatch(/imagined/)
    expect(await kubectl.out(`get task replaced -o jsonpath='{.spec.priority}{.metadata.labels}'`)).toBe('8')
  })

  it('cordons, taints and lets go', async () => {
    const node = kubectl.namespace
    expect(await kubectl.out(`cordon ${node}`)).toBe(`node/${node} cordoned\n`)
    expect(await kubectl.out(`taint node ${node} conformance=yes:NoSchedule`)).toBe(`node/${node} tainted\n`)
    expect(await kubectl.out(`get node ${node}`)).toContain('Unknown,SchedulingDisabled')
    const status = (type: string, value: string) =>
      `patch node ${node} --subresource=status -p '{"status":{"conditions":[{"type":"${type}","status":"${value}"}]}}'`
    await kubectl.out(status('Ready', 'True'))
    await kubectl.out(status('DiskPressure', 'False'))
    expect(await kubectl.out(`get node ${node} -o jsonpath='{.spec.taints[*].key} {.status.conditions[*].type}'`)).toMatch(
      /conformance.* (DiskPressure Ready|Ready DiskPressure)/,
    )
    expect(await kubectl.out(`uncordon ${node}`)).toBe(`node/${node} uncordoned\n`)
    expect(await kubectl.out(`taint node ${node} conformance-`)).toBe(`node/${node} untainted\n`)
  })
})
