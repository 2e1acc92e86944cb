/**
 * What kubectl does with Pods, each the view of a Task's attempt: it shows
 * them, reads their logs, waits, deletes, and drains nodes of them.
 */
import { expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startWholeCluster } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { supportedVersions } from './kubectls.js'
import { printManifests } from './one-of-each.js'

/** Beside the node that runs processes, a hollow one for each version, which it alone drains. */
const startWithHollowNodes = () => startWholeCluster({ hollowNodes: supportedVersions.length })

/** Not on a hollow node. */
const onProcesses = {
  nodeAffinity: {
    requiredDuringSchedulingIgnoredDuringExecution: {
      nodeSelectorTerms: [{ matchExpressions: [{ key: 'millrace.dev/hollow', operator: 'DoesNotExist' }] }],
    },
  },
}
const task = (name: string, spec: object, metadata: object = {}) => ({
  apiVersion: 'millrace.dev/v1',
  kind: 'Task',
  metadata: { name, ...metadata },
  spec,
})
const script = (text: string, more: object = {}) => ({ command: ['sh', '-c', text], affinity: onProcesses, ...more })
const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'b' }] } }

describeKubectls(startWithHollowNodes, (kubectl) => {
  const create = (...manifests: ReturnType<typeof task>[]) => kubectl.out('create -f -', { input: printManifests(manifests) })
  const hollowNode = `hollow-${(supportedVersions as readonly string[]).indexOf(kubectl.version)}`

  it('shows Tasks as Pods, as a table, wide, by label and by field', async () => {
    const follower = kubectl.follow('get pods -w')
    await create(
      task('web', script('for i in 1 2 3; do echo line $i; done; sleep 600', { onNodeLost: 'Reschedule' }), { labels: { app: 'web' } }),
      task('failed', script('echo oops; exit 3')),
      task('big', { command: ['true'], resources: { requests: { memory: '900Gi' } } }),
    )
    await kubectl.out('wait pod/web --for=condition=Ready --timeout=60s')
    await kubectl.out(`wait pod/failed --for=jsonpath='{.status.phase}'=Failed --timeout=60s`)
    const table = (await kubectl.out('get pods')).replaceAll(/ {2,}/g, ' | ').replaceAll(/\b\d+[smh](\d+s)?\b/g, 'AGE')
    expect(table).toBe(
      'NAME | READY | STATUS | RESTARTS | AGE\nbig | 0/1 | Pending | 0 | AGE\nfailed | 0/1 | Error | 0 | AGE\nweb | 1/1 | Running | 0 | AGE\n',
    )
    expect(await kubectl.out('get po web -o wide')).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES\nweb +1\/1 +Running +0 +\S+ +<none> +\S+ +<none> +<none>\n/,
    )
    expect(await kubectl.out('get pods -A -l app=web --show-labels')).toMatch(
      new RegExp(`^NAMESPACE +NAME [\\s\\S]*\n${kubectl.namespace} +web +1/1 +Running .* app=web\n`),
    )
    expect(await kubectl.out('get pods --field-selector status.phase=Running -o name')).toBe('pod/web\n')
    await eventually(() => expect(follower.text()).toMatch(/\nweb +0\/1 +Pending [\s\S]*\nweb +1\/1 +Running /), { timeoutMs: 60_000 })
    await follower.end()
  })

  it('describes them with the events of the Task, and a node with its Pods', async () => {
    const text = await kubectl.out('describe pod web')
    expect(text).toMatch(/Name: +web\n[\s\S]*Status: +Running\n[\s\S]*\n {2}main:\n[\s\S]*State: +Running\n[\s\S]*Ready +True/)
    expect(text).toMatch(/Events:\n +Type +Reason +Age +From +Message\n[\s\S]* Scheduled /)
    const node = await kubectl.out(`get pod web -o jsonpath='{.spec.nodeName}'`)
    expect(await kubectl.out(`describe node ${node}`)).toMatch(new RegExp(`Non-terminated Pods:[\\s\\S]* ${kubectl.namespace} +web `))
    expect(await kubectl.out('events --for pod/web')).toContain('Scheduled')
    expect(await kubectl.out('explain pod.spec.containers.command')).toContain('What is run.')
  })

  it('reads their logs in every way', async () => {
    const logs = (words: string) => kubectl.out(`logs ${words}`)
    expect(await logs('web')).toBe('line 1\nline 2\nline 3\n')
    expect(await logs('pod/web -c main --tail=1')).toBe('line 3\n')
    expect(await logs('web --limit-bytes=6')).toBe('line 1')
    expect(await logs('web --timestamps --tail=1')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 3\n$/)
    expect(await logs('web --since=1h --all-containers')).toBe('line 1\nline 2\nline 3\n')
    expect(await logs('web --since-time=2100-01-01T00:00:00Z')).toBe('')
    expect(await logs('-l app=web --prefix --tail=1')).toBe('[pod/web/main] line 3\n')
    const follower = kubectl.follow('logs -f web')
    await eventually(() => expect(follower.text()).toBe('line 1\nline 2\nline 3\n'), { timeoutMs: 60_000 })
    await follower.end()
    await create(task('crash', script('echo crash; exit 1', { restartPolicy: 'Always' })))
    await eventually(async () => expect(await logs('crash --previous')).toBe('crash\n'), { timeoutMs: 60_000 })
  })

  it('is told why there is no log, in the words that it knows', async () => {
    expect(await kubectl.refusal('logs big')).toMatch(/container "main" in pod "big" is waiting to start: 0 of \d nodes fit/)
    expect(await kubectl.refusal('logs web -c side')).toContain('container side is not valid for pod web')
    expect(await kubectl.refusal('logs web --previous')).toContain('previous terminated container "main" in pod "web" not found')
    expect(await kubectl.refusal('logs absent')).toContain('pods "absent" not found')
  })

  it('is told what to write instead of a Pod', async () => {
    const instead = 'are a view of tasks and vpses and are not written themselves'
    expect(await kubectl.refusal('run p --image=b')).toContain(
      `${instead}; create a Task (millrace.dev/v1) or a Vps (millrace.dev/v1) instead`,
    )
    expect(await kubectl.refusal('apply -f -', { input: printManifests([pod]) })).toContain(instead)
    expect(await kubectl.refusal('label pod web a=b')).toContain(`${instead}; patch a Task (millrace.dev/v1) instead`)
  })

  it('drains a node: what may go elsewhere does, the rest ends and keeps its record', async () => {
    await create(
      task('mover', { nodeName: hollowNode, command: ['sleep', '600'], affinity: onProcesses, onNodeLost: 'Reschedule' }),
      task('stayer', { nodeName: hollowNode, command: ['sleep'] }),
      task('over', { nodeName: hollowNode, command: ['exit', '0'] }),
    )
    for (const name of ['mover', 'stayer']) await kubectl.out(`wait pod/${name} --for=condition=Ready --timeout=60s`)
    await kubectl.out(`wait pod/over --for=jsonpath='{.status.phase}'=Succeeded --timeout=60s`)
    const uid = (kind: string) => kubectl.out(`get ${kind} mover -o jsonpath='{.metadata.uid}'`)
    const before = await uid('pod')
    expect(await kubectl.refusal(`drain ${hollowNode}`)).toMatch(
      /cannot delete Pods (that )?declare no controller \(use --force to override\)/,
    )
    expect(await kubectl.out(`drain ${hollowNode} --force --dry-run=server`)).toMatch(/evicting pod \S+\/mover \(server dry run\)/)
    const drained = await kubectl.out(`drain ${hollowNode} --force --timeout=60s`)
    expect(
      drained
        .split('\n')
        .filter((line) => line.startsWith('pod/'))
        .sort(),
    ).toEqual(['mover', 'over', 'stayer'].map((name) => `pod/${name} evicted`))
    expect(drained).toContain(`node/${hollowNode} drained`)
    expect(await kubectl.out(`get pods --field-selector spec.nodeName=${hollowNode} -o name`)).toBe('')
    expect([await uid('task'), (await uid('pod')) === before]).toEqual([before, false])
    expect(await kubectl.out(`get tasks stayer over -o jsonpath='{.items[*].status.phase}'`)).toBe('Failed Succeeded')
    await kubectl.out(`uncordon ${hollowNode}`)
  })

  it('deletes them, and the Tasks with them', async () => {
    expect(await kubectl.out('delete pod web --grace-period=1 --timeout=60s')).toContain('pod "web" deleted')
    expect(await kubectl.refusal('get task web')).toContain('not found')
    await create(task('watched', script('sleep 600')))
    const waiting = kubectl.out('wait pod/watched --for=delete --timeout=60s')
    await kubectl.out('delete pods --all --now --timeout=60s')
    await waiting
    expect(await kubectl.out('get pods -o name')).toBe('')
  })
})
