/**
 * What kubectl shows of objects that controllers and nodes work on: waiting,
 * watching, events, descriptions, deletion and what follows from it.
 */
import { expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startWholeCluster } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { printManifests } from './one-of-each.js'

const task = (name: string, metadata: object = {}) => ({
  apiVersion: 'millrace.dev/v1',
  kind: 'Task',
  metadata: { name, ...metadata },
  spec: { command: ['sh', '-c', 'echo hello'] },
})
const configMap = (name: string, metadata: object = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata } })

describeKubectls(startWholeCluster, (kubectl) => {
  const create = (...manifests: ReturnType<typeof task | typeof configMap>[]) =>
    kubectl.out('create -f -', { input: printManifests(manifests as never) })

  it('waits for a condition, for a field, for creation and for deletion', async () => {
    const creation = kubectl.minor >= 31 ? kubectl.out('wait --for=create task/worked --timeout=40s') : undefined
    await create(task('worked'))
    await creation
    expect(await kubectl.out('wait task/worked --for=condition=Complete --timeout=60s')).toContain('condition met')
    expect(await kubectl.out(`wait task/worked --for=jsonpath='{.status.phase}'=Succeeded --timeout=60s`)).toContain('condition met')
    await kubectl.out(`patch task worked --type=merge -p '{"spec":{"priority":1}}'`)
    expect(await kubectl.out('wait task/worked --for=condition=Complete --timeout=60s')).toContain('condition met')
    expect(await kubectl.refusal('wait task/worked --for=condition=Never --timeout=1s')).toContain('timed out waiting for the condition')
    expect(await kubectl.out('get task worked')).toMatch(/\nworked +Succeeded +0 +0 +\S+ +\d+s\n/)
  })

  it('waits by a watch that begins with the state, in the versions that can', async () => {
    const env = { KUBE_FEATURE_WatchListClient: 'true' }
    const { code, stderr } = await kubectl.run('wait task/worked --for=condition=Complete --timeout=60s -v=6', { env })
    expect(code).toBe(0)
    if (kubectl.minor >= 32) expect(stderr).toContain('sendInitialEvents=true')
  })

  it('describes every kind, with the events of it', async () => {
    const text = await kubectl.out('describe task worked')
    expect(text).toMatch(/Name: +worked\n[\s\S]*Restart Policy: +Never\n[\s\S]*Phase: +Succeeded\n/)
    expect(text).toMatch(/Events:\n +Type +Reason +Age +From +Message\n[\s\S]* Scheduled /)
    await create(configMap('described'))
    expect(await kubectl.out('describe cm described')).toMatch(/Name: +described\n[\s\S]*Events: +<none>/)
    expect(await kubectl.out(`describe ns ${kubectl.namespace}`)).toMatch(/Status: +Active/)
    expect(await kubectl.out('describe csr')).toMatch(/Status: +Approved,Issued/)
    expect(await kubectl.out('describe leases -n kube-node-lease')).toMatch(/Holder Identity: /)
    await kubectl.out('create secret generic hidden --from-literal=password=value')
    expect(await kubectl.out('describe secret hidden')).toMatch(/password: +5 bytes/)
  })

  it('lists events, of all and of one, and follows them', async () => {
    expect(await kubectl.out('get events --field-selector reason=Scheduled')).toMatch(
      /^LAST SEEN +TYPE +REASON +OBJECT +MESSAGE\n\d+s +Normal +Scheduled +task\/worked +bound to node/,
    )
    expect(await kubectl.out('events --for task/worked')).toMatch(/Normal +Scheduled +Task\/worked +bound to node/)
    expect(await kubectl.out('events --types=Warning')).not.toContain('Scheduled')
    const follower = kubectl.follow('events --watch')
    await create(task('noticed'))
    await eventually(() => expect(follower.text()).toMatch(/Scheduled +Task\/noticed/), { timeoutMs: 60_000 })
    await follower.end()
  })

  it('watches a table, with the kinds of events', async () => {
    await create(configMap('present'))
    const follower = kubectl.follow('get cm -w --output-watch-events')
    await eventually(() => expect(follower.text()).toMatch(/ADDED +present/), { timeoutMs: 60_000 })
    await create(configMap('followed'))
    await kubectl.out('label cm followed a=b')
    await kubectl.out('delete cm followed')
    await eventually(() => expect(follower.text()).toMatch(/ADDED +followed[\s\S]*MODIFIED +followed[\s\S]*DELETED +followed/), {
      timeoutMs: 60_000,
    })
    await follower.end()
  })

  it.each(['background', 'foreground', 'orphan'])('deletes with what belongs to it: --cascade=%s', async (cascade) => {
    await create(configMap(`owner-${cascade}`))
    const uid = await kubectl.out(`get cm owner-${cascade} -o jsonpath='{.metadata.uid}'`)
    const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: `owner-${cascade}`, uid, blockOwnerDeletion: true }
    await create(configMap(`owned-${cascade}`, { ownerReferences: [owner] }))
    expect(await kubectl.out(`delete cm owner-${cascade} --cascade=${cascade} --timeout=60s`)).toContain('deleted')
    if (cascade === 'orphan') expect(await kubectl.out(`get cm owned-orphan -o jsonpath='{.metadata.ownerReferences}'`)).toBe('')
    else await kubectl.out(`wait --for=delete cm/owned-${cascade} --timeout=60s`)
  })

  it('deletes what finalizers hold when they let go', async () => {
    await create(configMap('held', { finalizers: ['example.dev/hold'] }))
    const deletion = kubectl.out('delete cm held --timeout=60s')
    await kubectl.out(`wait cm/held --for=jsonpath='{.metadata.deletionTimestamp}' --timeout=60s`)
    await kubectl.out(`patch cm held -p '{"metadata":{"$deleteFromPrimitiveList/finalizers":["example.dev/hold"]}}'`)
    expect(await deletion).toContain('configmap "held" deleted')
  })

  it('deletes tasks, selections and whole namespaces, and waits until they are gone', async () => {
    expect(await kubectl.out('delete task worked noticed --timeout=60s')).toMatch(/worked.* deleted\n.*noticed.* deleted/)
    expect(await kubectl.refusal('get task worked')).toContain('tasks.millrace.dev "worked" not found')
    expect(await kubectl.out('delete task worked --ignore-not-found')).toBe('')
    expect(await kubectl.run('delete secret hidden --grace-period=0 --force')).toMatchObject({ code: 0 })
    await create(configMap('chosen', { labels: { gone: 'soon' } }))
    expect(await kubectl.out('delete cm -l gone=soon')).toBe('configmap "chosen" deleted\n')
    expect(await kubectl.out(`delete namespace ${kubectl.namespace} --timeout=60s`)).toContain('deleted')
    expect(await kubectl.refusal('delete namespace default')).toContain('this namespace may not be deleted')
  })
})
