/** What kubectl does with measurements: `top nodes` and `top pods`, of nodes whose agents answer, and of one that nobody runs. */
import { expect, it } from 'vitest'
import { eventually } from '../../lib/testing/eventually.js'
import { startWholeCluster } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { printManifests } from './one-of-each.js'

const task = (name: string, script: string, labels: object = {}) => ({
  apiVersion: 'millrace.dev/v1',
  kind: 'Task',
  metadata: { name, labels },
  spec: { command: ['sh', '-c', script] },
})
/** Others need the CPU too. */
const busyNowAndThen = 'while :; do i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; sleep 0.2; done'
const ofNoAgent = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'nobody' } }

describeKubectls(startWholeCluster, (kubectl) => {
  const rows = async (words: string) =>
    (await kubectl.out(words))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(/ +/).filter((cell) => cell !== ''))

  it('shows how loaded nodes are, and that nothing is known of one whose agent does not answer', async () => {
    await kubectl.run('create -f -', { input: printManifests([ofNoAgent]) })
    const node = await kubectl.out(`get nodes -l kubernetes.io/os=linux -o jsonpath='{.items[0].metadata.name}'`)
    await eventually(
      async () => {
        const [header, ...nodes] = await rows('top nodes')
        expect(header).toEqual([
          'NAME',
          'CPU(cores)',
          kubectl.minor >= 32 ? 'CPU(%)' : 'CPU%',
          'MEMORY(bytes)',
          kubectl.minor >= 32 ? 'MEMORY(%)' : 'MEMORY%',
        ])
        const cell = expect.stringMatching(/^\d+(m|Mi|%)$/)
        expect(nodes).toContainEqual([node, cell, cell, cell, cell])
        expect(nodes).toContainEqual(['nobody', '<unknown>', '<unknown>', '<unknown>', '<unknown>'])
      },
      { timeoutMs: 60_000 },
    )
    expect(await rows(`top node ${node} --no-headers`)).toHaveLength(1)
    expect(await kubectl.refusal('top node nobody')).toContain('does not say how loaded it is')
    expect(await kubectl.refusal('top node absent')).toContain('not found')
  })

  it('shows what Tasks use: sorted, with their containers, by label, of all namespaces', async () => {
    await kubectl.out('create -f -', {
      input: printManifests([
        task('busy', busyNowAndThen, { app: 'busy' }),
        task('idle', 'exec sleep 600', { app: 'idle' }),
        task('over', 'true', { app: 'over' }),
      ]),
    })
    for (const name of ['busy', 'idle']) await kubectl.out(`wait task/${name} --for=condition=Running --timeout=90s`)
    await kubectl.out(`wait pod/over --for=jsonpath='{.status.phase}'=Succeeded --timeout=90s`)
    await eventually(
      async () => {
        const [header, ...pods] = await rows('top pods --sort-by=cpu')
        expect(header).toEqual(['NAME', 'CPU(cores)', 'MEMORY(bytes)'])
        expect(pods.map(([name]) => name)).toEqual(['busy', 'idle'])
        const [busy = 0, idle = 0] = pods.map(([, cpu]) => Number.parseInt(cpu ?? '', 10))
        expect(busy).toBeGreaterThan(idle)
      },
      { timeoutMs: 60_000 },
    )
    expect((await rows('top pods -l app=idle --no-headers')).map(([name]) => name)).toEqual(['idle'])
    expect((await rows('top pod busy --containers --no-headers')).map(([pod, container]) => [pod, container])).toEqual([['busy', 'main']])
    const everywhere = await rows('top pods -A --no-headers')
    expect(everywhere.map(([namespace, name]) => `${namespace}/${name}`)).toEqual(
      expect.arrayContaining([`${kubectl.namespace}/busy`, `${kubectl.namespace}/idle`]),
    )
    expect(await kubectl.refusal('top pod over')).toContain('not found')
    expect(await kubectl.refusal('top pod absent')).toContain('not found')
  })

  it('shows measurements as objects and as a table, and says what they are', async () => {
    expect(await kubectl.out('get pods.metrics.k8s.io')).toMatch(/^NAME +CPU +MEMORY +WINDOW\nbusy +\d+n +\d+Ki +[\d.]+s\nidle /)
    const [node] = JSON.parse(await kubectl.out('get nodes.metrics.k8s.io -o json')).items
    expect(node).toMatchObject({ kind: 'NodeMetrics', usage: { 'ephemeral-storage': expect.stringMatching(/^\d+Ki$/) } })
    expect(node.load).toHaveLength(3)
    expect(await kubectl.out('explain nodemetrics.usage --api-version=metrics.k8s.io/v1beta1')).toContain('What it uses')
    expect(await kubectl.refusal('get pods.metrics.k8s.io -w')).toContain('MethodNotAllowed')
  })
})
