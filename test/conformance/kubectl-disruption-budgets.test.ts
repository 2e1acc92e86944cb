/** What kubectl does with PodDisruptionBudgets: it makes, shows and explains them, and drains nodes as far as they allow. */
import { expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startWholeCluster } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { supportedVersions } from './kubectls.js'
import { printManifests } from './one-of-each.js'

/** Beside the node that runs processes, a hollow one for each version, which it alone drains. */
const startWithHollowNodes = () => startWholeCluster({ hollowNodes: supportedVersions.length })

/** Where the next attempt goes: not to a hollow node, which another version may be draining. */
const onProcesses = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'millrace.dev/hollow', operator: 'DoesNotExist' }] }],
    },
  },
}

describeKubectls(startWithHollowNodes, (kubectl) => {
  const hollowNode = `hollow-${(supportedVersions as readonly string[]).indexOf(kubectl.version)}`
  const web = (name: string) => ({
    apiVersion: 'millrace.dev/v1',
    kind: 'Task',
    metadata: { name, labels: { app: 'web' } },
    spec: { command: ['sleep', '600'], nodeName: hollowNode, onNodeLost: 'Reschedule', affinity: onProcesses },
  })
  const allowed = () => kubectl.out(`get pdb web -o jsonpath='{.status.disruptionsAllowed}'`)

  it('creates them of arguments, and shows them', async () => {
    await kubectl.out('create poddisruptionbudget share --selector=app=db --max-unavailable=50%')
    await kubectl.out('create pdb web --selector=app=web --min-available=3')
    const table = (await kubectl.out('get pdb')).replaceAll(/ {2,}/g, ' | ').replaceAll(/\b\d+[smh](\d+s)?\b/g, 'AGE')
    expect(table).toBe(
      'NAME | MIN AVAILABLE | MAX UNAVAILABLE | ALLOWED DISRUPTIONS | AGE\nshare | N/A | 50% | 0 | AGE\nweb | 3 | N/A | 0 | AGE\n',
    )
    expect(await kubectl.out('explain pdb.spec.minAvailable')).toContain('How many must stay healthy after an eviction')
    expect(await kubectl.out('api-resources --api-group=policy --no-headers')).toMatch(/^poddisruptionbudgets +pdb +policy\/v1 +true +Pod/)
    expect(await kubectl.out('delete pdb share')).toContain('"share" deleted')
  })

  it('is told what is wrong with one', async () => {
    const both = { apiVersion: 'policy/v1', kind: 'PodDisruptionBudget', metadata: { name: 'both' } }
    const apply = (spec: object) => kubectl.refusal('apply -f -', { input: printManifests([{ ...both, spec }]) })
    expect(await apply({ minAvailable: 1, maxUnavailable: 1 })).toContain('minAvailable and maxUnavailable cannot be both set')
    expect(await apply({ minAvailable: '101%' })).toContain('spec.minAvailable: Invalid value: "101%": must not be greater than 100%')
    expect(await apply({ minAvailable: 1, selektor: {} })).toContain('unknown field "spec.selektor"')
  })

  it('describes what is counted', async () => {
    await kubectl.out('create -f -', { input: printManifests(['a', 'b', 'c'].map(web)) })
    for (const name of ['a', 'b', 'c']) await kubectl.out(`wait pod/${name} --for=condition=Ready --timeout=60s`)
    await kubectl.out(`wait pdb/web --for=jsonpath='{.status.currentHealthy}'=3 --timeout=60s`)
    expect(await kubectl.out('describe pdb web')).toMatch(
      /Min available: +3\nSelector: +app=web\nStatus:\n +Allowed disruptions: +0\n +Current: +3\n +Desired: +3\n +Total: +3\n/,
    )
    await kubectl.out(`wait pdb/web --for=condition=DisruptionAllowed=false --timeout=60s`)
  })

  it('drains a node when the budget lets it, and says meanwhile why it waits', async () => {
    const drain = kubectl.follow(`drain ${hollowNode} --force --grace-period=1 --timeout=120s`)
    const forbidden = "(will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget."
    for (const name of ['a', 'b', 'c'])
      await eventually(() => expect(drain.text()).toContain(`error when evicting pods/"${name}" -n "${kubectl.namespace}" ${forbidden}`))
    expect(await kubectl.out(`get pods -l app=web --field-selector spec.nodeName=${hollowNode} -o name`)).toBe('pod/a\npod/b\npod/c\n')
    await kubectl.out(`patch pdb web -p '{"spec":{"minAvailable":1}}'`)
    await eventually(() => expect(drain.text()).toContain(`node/${hollowNode} drained`), { timeoutMs: 110_000 })
    await drain.end()
    for (const name of ['a', 'b', 'c']) expect(drain.text()).toContain(`pod/${name} evicted`)
    expect(await kubectl.out(`get tasks -l app=web -o jsonpath='{.items[*].status.attempt}'`)).toBe('1 1 1')
    await eventually(async () => expect(await allowed()).toBe('2'))
    await kubectl.out(`uncordon ${hollowNode}`)
    await kubectl.out('delete tasks --all --wait=false')
  })
})
