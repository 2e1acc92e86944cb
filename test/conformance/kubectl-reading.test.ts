/** What kubectl gets: tables, selections, pages, every way to print. */
import { beforeAll, expect, it } from 'vitest'
import { requestField } from '../../apiserver/auth/fixtures/certificate-request.js'
import { CertificateSigningRequest, nodeClientSigner } from '../../lib/api/kinds/certificate-signing-request.js'
import { ConfigMap } from '../../lib/api/kinds/config-map.js'
import { createClient } from '../../lib/client/create-client.js'
import { startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { oneOfEach, printManifests } from './one-of-each.js'

const longList = 510

/** With more config maps than fit in a page, and a request of a node, which nobody else may make. */
async function startWithObjects() {
  const cluster = await startApiServerAlone()
  const { server } = cluster
  const configMaps = createClient(server.admin).of(ConfigMap)
  const some = Array.from({ length: longList }, (_, index) =>
    configMaps.create({ metadata: { namespace: 'default', generateName: 'many-', labels: { parity: index % 2 === 0 ? 'even' : 'odd' } } }),
  )
  const node = createClient(await server.configOf('system:node:n1', ['system:nodes']))
  const request = { request: await requestField(), signerName: nodeClientSigner, usages: ['digital signature', 'client auth'] }
  await Promise.all([...some, node.of(CertificateSigningRequest).create({ metadata: { name: 'one' }, spec: request })])
  return cluster
}

describeKubectls(startWithObjects, (kubectl) => {
  beforeAll(async () => {
    await kubectl.out('create -f -', { input: printManifests(oneOfEach(kubectl.namespace)) })
  })
  const { namespace } = kubectl

  it('shows every kind as the table of its columns', async () => {
    const table = async (what: string) => (await kubectl.out(`get ${what}`)).replaceAll(/ {2,}/g, ' | ')
    expect(await table('tasks')).toBe('NAME | PHASE | EXIT | RESTARTS | NODE | AGE\none | Pending | 0s\n')
    expect(await table('cm one')).toBe('NAME | DATA | AGE\none | 2 | 0s\n')
    expect(await table('secrets')).toBe('NAME | TYPE | DATA | AGE\none | Opaque | 1 | 0s\n')
    expect(await table(`ns ${namespace}`)).toBe(`NAME | STATUS | AGE\n${namespace} | Active | 0s\n`)
    expect(await table(`node ${namespace}`)).toBe(`NAME | STATUS | ROLES | AGE | VERSION\n${namespace} | Unknown | <none> | 0s | \n`)
    expect(await table('deploy')).toBe('NAME | READY | UP-TO-DATE | AVAILABLE | AGE\none | 0/0 | 0 | 0 | 0s\n')
    expect(await table('rs')).toBe('NAME | DESIRED | CURRENT | READY | AGE\nalone | 0 | 0 | 0 | 0s\n')
    expect(await table('leases')).toBe('NAME | HOLDER | AGE\none | somebody | 0s\n')
    expect(await table('events')).toBe('LAST SEEN | TYPE | REASON | OBJECT | MESSAGE\n0s | Normal | Started | task/one | it began\n')
    expect(await table('csr')).toBe(
      'NAME | AGE | SIGNERNAME | REQUESTOR | CONDITION\none | 0s | kubernetes.io/kube-apiserver-client-kubelet | system:node:n1 | Approved\n',
    )
  })

  it('adds columns for wide, all namespaces, labels and kinds', async () => {
    expect(await kubectl.out('get tasks -o wide')).toMatch(/^NAME +PHASE +EXIT +RESTARTS +NODE +AGE +IMAGE +ADDRESS +REASON\n/)
    expect(await kubectl.out('get tasks -A')).toMatch(new RegExp(`^NAMESPACE +NAME [\\s\\S]*\n${namespace} +one +Pending`))
    expect(await kubectl.out('get tk --show-labels --show-kind -L tier')).toMatch(
      / TIER +LABELS\ntask.millrace.dev\/one [\s\S]* front +app=one,tier=front\n/,
    )
    expect(await kubectl.out('get all')).toMatch(
      /^NAME [\s\S]*\ntask.millrace.dev\/one +Pending[\s\S]*\ndeployment.apps\/one [\s\S]*\nreplicaset.apps\/alone /,
    )
  })

  it('prints objects in every other way', async () => {
    expect(await kubectl.out('get tasks,cm,secrets -o name')).toBe('task.millrace.dev/one\nconfigmap/one\nsecret/one\n')
    expect(await kubectl.out(`get task one -o jsonpath='{.metadata.name} {.spec.command[0]}'`)).toBe('one true')
    expect(await kubectl.out(`get tasks -o go-template='{{range .items}}{{.metadata.name}}{{end}}'`)).toBe('one')
    expect(await kubectl.out('get cm -o custom-columns=NAME:.metadata.name,A:.data.a --sort-by=.metadata.name')).toMatch(
      /^NAME +A\none +1\n/,
    )
    expect(await kubectl.out('get task one -o yaml')).toMatch(/^apiVersion: millrace.dev\/v1\nkind: Task\nmetadata:\n/)
    expect(JSON.parse(await kubectl.out('get tasks,cm -o json'))).toMatchObject({
      kind: 'List',
      items: [{ kind: 'Task' }, { kind: 'ConfigMap' }],
    })
    expect(JSON.parse(await kubectl.out(`get --raw '/apis/millrace.dev/v1/namespaces/${namespace}/tasks?limit=1'`))).toMatchObject({
      kind: 'TaskList',
    })
  })

  it('selects by labels and fields', async () => {
    expect(await kubectl.out(`get tasks -l 'app in (one,two),!gone' -o name`)).toBe('task.millrace.dev/one\n')
    expect(await kubectl.out('get tasks -l app!=one --no-headers')).toBe('')
    expect(await kubectl.out('get tasks --field-selector metadata.name=one,status.phase=Pending -o name')).toBe('task.millrace.dev/one\n')
    expect(await kubectl.refusal('get tasks --field-selector spec.command=true')).toContain('field label not supported: spec.command')
    expect(await kubectl.refusal('get task one two')).toContain('tasks.millrace.dev "two" not found')
    expect(await kubectl.out('get task two --ignore-not-found')).toBe('')
  })

  it('reads a long list page by page', async () => {
    const lines = async (command: string) => (await kubectl.out(command)).trim().split('\n').length
    expect(await lines('get cm -n default --no-headers')).toBe(longList)
    expect(await lines('get cm -n default --no-headers -l parity=odd --chunk-size=100 --sort-by=.metadata.name')).toBe(longList / 2)
    expect(await lines('get cm -n default -o name --chunk-size=0')).toBe(longList)
  })
})
