/** What kubectl does with the Pod that a Vps is seen as: it shows it, reaches into it, and stops it. */
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { Event } from '../../lib/api/kinds/event.js'
import { Node } from '../../lib/api/kinds/node.js'
import { Vps } from '../../lib/api/kinds/vps.js'
import { channels, messagesOf, writeMessage } from '../../lib/stream/channel-link.js'
import { dialNodeStreams } from '../../lib/stream/dial-node-streams.js'
import { FramedChannels } from '../../lib/stream/framed-channels.js'
import { eventually } from '../../lib/testing/eventually.js'
import type { TestCluster } from '../../lib/testing/test-cluster.js'
import { pemOf } from '../e2e/raw-upgrade.js'
import { type ConformanceCluster, startApiServerAlone } from './conformance-cluster.js'
import { describeKubectls } from './describe-kubectls.js'
import { supportedVersions } from './kubectls.js'
import { printManifests } from './one-of-each.js'

const nodeOf = (version: string) => `n${version.replace('.', '-')}`
let server: TestCluster

/** The API server, and for each version a node whose agent says what it was asked, and stops the machines that are not to run. */
async function startWithAgents(): Promise<ConformanceCluster> {
  const alone = await startApiServerAlone()
  server = alone.server
  const abort = new AbortController()
  const agents = await Promise.all(supportedVersions.map((version) => startAgent(nodeOf(version), abort.signal)))
  const stopListening = server.store.onCommit(({ changes }) => {
    for (const { type, object } of changes) {
      if (type === 'DELETED' || object.key.resource !== Vps.plural) continue
      const { metadata, spec, status } = JSON.parse(object.bytes.toString()) as Vps
      if (!spec.running && status?.phase === 'Running') void report(metadata, 'Stopped')
    }
  })
  return {
    ...alone,
    async end() {
      stopListening()
      abort.abort()
      await Promise.all(agents.map(({ ended }) => ended))
      await alone.end()
    },
  }
}

async function startAgent(name: string, signal: AbortSignal): Promise<{ ended: Promise<void> }> {
  await server.client.of(Node).create({ metadata: { name } })
  const { ca, cert, key } = pemOf(await server.configOf(`system:node:${name}`, ['system:nodes']))
  let isConnected = false
  const ended = dialNodeStreams({
    server: server.url,
    path: `/apis/millrace.dev/v1/nodestreams/${name}`,
    tls: () => ({ ca, cert, key }),
    onConnected: () => {
      isConnected = true
    },
    signal,
    onRequest: async ({ path }, stream) => {
      const { pathname, searchParams } = new URL(path, 'http://node')
      const words = `${searchParams.get('kind')} ${pathname} ${searchParams.getAll('command').join(' ')}`.trim()
      stream.respond({ ':status': 200 })
      if (!pathname.startsWith('/exec/') && !pathname.startsWith('/attach/')) return void stream.end(`${words}\n`)
      const link = new FramedChannels(stream)
      await writeMessage(link, { channel: channels.stdout, bytes: Buffer.from(`${words}\n`) })
      if (searchParams.get('stdin') === 'true')
        for await (const { channel, bytes } of messagesOf(link)) {
          if (channel === channels.stdin && !bytes) break
          if (channel === channels.stdin && bytes) await writeMessage(link, { channel: channels.stdout, bytes })
        }
      await writeMessage(link, { channel: channels.error, bytes: Buffer.from(`{"exitCode":${pathname.startsWith('/exec/') ? 3 : 0}}`) })
      link.end()
    },
  })
  await eventually(() => isConnected)
  return { ended }
}

async function report({ namespace = '', name }: Pick<Vps['metadata'], 'namespace' | 'name'>, phase: 'Running' | 'Stopped'): Promise<void> {
  const [status, reason] = phase === 'Running' ? (['True', 'Started'] as const) : (['False', 'Stopped'] as const)
  const at = new Date(server.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z')
  const condition = (type: 'Scheduled' | 'Running' | 'Ready', told: 'True' | 'False', why: string) => ({
    type,
    status: told,
    reason: why,
    message: '',
    lastTransitionTime: at,
  })
  const conditions = [condition('Scheduled', 'True', 'Bound'), condition('Running', status, reason), condition('Ready', status, reason)]
  const started = phase === 'Running' ? { startedAt: at, starts: 1, address: '172.30.0.5' } : {}
  await server.client.of(Vps).mergePatch({ namespace, name }, { status: { phase, conditions, ...started } }, { subresource: 'status' })
}

describeKubectls(startWithAgents, (kubectl) => {
  const { namespace } = kubectl
  const node = nodeOf(kubectl.version)
  const isToRun = () => kubectl.out(`get vps box -o jsonpath='{.spec.running} {.status.phase}'`)
  const start = async () => {
    await kubectl.out(`patch vps box --type=merge -p '{"spec":{"running":true}}'`)
    await report({ namespace, name: 'box' }, 'Running')
  }

  it('shows a Vps as a Pod beside those of Tasks, from its start to its stop', async () => {
    const follower = kubectl.follow('get pods -w')
    const box = { apiVersion: 'millrace.dev/v1', kind: 'Vps', metadata: { name: 'box', labels: { app: 'box' } } }
    const task = { apiVersion: 'millrace.dev/v1', kind: 'Task', metadata: { name: 'box' }, spec: { image: 'busybox' } }
    await kubectl.out('create -f -', { input: printManifests([{ ...box, spec: { image: 'debian', nodeName: node } }, task]) })
    await report({ namespace, name: 'box' }, 'Running')
    await kubectl.out('wait pod/vps.box --for=condition=Ready --timeout=60s')
    const table = (await kubectl.out('get pods')).replaceAll(/ {2,}/g, ' | ').replaceAll(/\b\d+[smh](\d+s)?\b/g, 'AGE')
    expect(table).toBe('NAME | READY | STATUS | RESTARTS | AGE\nbox | 0/1 | Pending | 0 | AGE\nvps.box | 1/1 | Running | 0 | AGE\n')
    expect(await kubectl.out('get pods -l app=box -o name')).toBe('pod/vps.box\n')
    expect(await kubectl.out(`get pods --field-selector spec.nodeName=${node},status.phase=Running -o name`)).toBe('pod/vps.box\n')
    expect(await kubectl.out('get pods -o name --chunk-size=1')).toBe('pod/box\npod/vps.box\n')
    await eventually(() => expect(follower.text()).toMatch(/\nvps\.box +1\/1 +Running /), { timeoutMs: 60_000 })
    await follower.end()
  })

  it('describes it with the Events of the Vps, and its node with it', async () => {
    const { metadata } = await server.client.of(Vps).get({ namespace, name: 'box' })
    const involvedObject = { apiVersion: Vps.apiVersion, kind: 'Vps', namespace, name: 'box', uid: metadata.uid }
    await server.client.of(Event).create({ metadata: { name: 'box.1', namespace }, involvedObject, reason: 'Booted', message: 'it is up' })
    const said = await kubectl.out('describe pod vps.box')
    expect(said).toMatch(
      /Name: +vps\.box\n[\s\S]*Status: +Running\nIP: +172\.30\.0\.5\n[\s\S]* {4}State: +Running\n[\s\S]*Events:[\s\S]* Booted /,
    )
    expect(await kubectl.out('events --for pod/vps.box')).toContain('Booted')
    expect(await kubectl.out(`describe node ${node}`)).toMatch(new RegExp(`Non-terminated Pods:[\\s\\S]* ${namespace} +vps\\.box `))
  })

  it('reads its log, runs commands in it, attaches to it', async () => {
    expect(await kubectl.out('logs vps.box')).toBe(`Vps /logs/${namespace}/box\n`)
    expect(await kubectl.out('logs -l app=box --prefix')).toBe(`[pod/vps.box/main] Vps /logs/${namespace}/box\n`)
    const { code, stdout } = await kubectl.run('exec -i vps.box -- cat -', { input: 'hello\n' })
    expect([code, stdout]).toEqual([3, `Vps /exec/${namespace}/box cat -\nhello\n`])
    expect(await kubectl.out('attach vps.box')).toContain(`Vps /attach/${namespace}/box\n`)
    expect(await kubectl.refusal('logs vps.absent')).toContain('pods "vps.absent" not found')
  })

  it('forwards its ports', async () => {
    const follower = kubectl.follow('port-forward pod/vps.box :22')
    const port = await eventually(() => {
      const [, found] = /127\.0\.0\.1:(\d+)/.exec(follower.text()) ?? []
      expect(found).toBeDefined()
      return Number(found)
    })
    const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    expect(await text(socket)).toBe(`Vps /portforward/${namespace}/box\n`)
    socket.end()
    await follower.end()
  })

  it('deletes it: the Vps stops and stays, and is a Pod again when it starts', async () => {
    const waiting = kubectl.out('wait pod/vps.box --for=delete --timeout=60s')
    expect(await kubectl.out('delete pod vps.box --timeout=60s')).toContain('pod "vps.box" deleted')
    await waiting
    expect(await isToRun()).toBe('false Stopped')
    expect(await kubectl.out('get pods -o name')).toBe('pod/box\n')
    expect(await kubectl.refusal('delete pod vps.box')).toContain('pods "vps.box" not found')
    await start()
    expect(await kubectl.out('get pods -o name')).toBe('pod/box\npod/vps.box\n')
  })

  it('is told that a Vps is not cut short', async () => {
    expect(await kubectl.refusal('delete pod vps.box --grace-period=1')).toContain(
      'a Vps has the time that spec.terminationGracePeriodSeconds',
    )
    expect(await isToRun()).toBe('true Running')
  })

  it('drains its node: the Vps stops and stays', async () => {
    expect(await kubectl.refusal(`drain ${node}`)).toMatch(/cannot delete Pods (that )?declare no controller/)
    const drained = await kubectl.out(`drain ${node} --force --timeout=60s`)
    expect(drained).toContain('pod/vps.box evicted')
    expect(drained).toContain(`node/${node} drained`)
    expect(await isToRun()).toBe('false Stopped')
  })
})
