import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isForbidden } from '../../api/api-error.js'
import { Task } from '../../api/kinds/task.js'
import { eventually } from '../../testing/eventually.js'
import type { Client } from '../client.js'
import { createClient } from '../create-client.js'
import { ScriptedCluster } from '../test/scripted-cluster.js'
import type { ScriptedServer } from '../test/scripted-server.js'
import { createInformer } from './informer.js'

const quick = { backoff: { initialMs: 1, maxMs: 5 } }

let cluster: ScriptedCluster
let server: ScriptedServer
let client: Client
let stop: AbortController

beforeEach(async () => {
  cluster = new ScriptedCluster()
  server = await cluster.start()
  client = createClient({ server: server.url }, { watchdogMs: 60_000 })
  stop = new AbortController()
})
afterEach(async () => {
  stop.abort()
  await client.close()
  await server.close()
})

/** An informer that writes down what its handlers hear. */
function recordingInformer(from: Client = client) {
  const heard: string[] = []
  const informer = createInformer(from, Task, { indexes: { node: (task) => [task.spec.nodeName] } })
  informer.subscribe({
    add: (task) => heard.push(`+${task.metadata.name}`),
    update: (task, previous) => heard.push(`~${task.metadata.name} ${previous.metadata.resourceVersion}→${task.metadata.resourceVersion}`),
    delete: (task) => heard.push(`-${task.metadata.name}`),
  })
  return { informer, heard }
}

describe('an informer', () => {
  it('has the whole state when it is synced, then follows each change with its previous object', async () => {
    cluster.set('a', { nodeName: 'n1' })
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    expect(informer.lister.get('default/a')?.spec.nodeName).toBe('n1')
    cluster.set('b')
    cluster.set('a', { nodeName: 'n2' })
    cluster.remove('b')
    await informer.seen('4')
    expect(heard).toEqual(['+a', '+b', '~a 1→3', '-b'])
    expect(informer.lister.by('node', 'n1')).toEqual([])
    expect(informer.lister.by('node', 'n2').map((task) => task.metadata.name)).toEqual(['a'])
  })

  it('tells a late subscriber of what is there', async () => {
    cluster.set('a')
    const { informer } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    const late: string[] = []
    const unsubscribe = informer.subscribe({ add: (task) => late.push(task.metadata.name) })
    cluster.set('b')
    await informer.seen('2')
    unsubscribe()
    cluster.set('c')
    await informer.seen('3')
    expect(late).toEqual(['a', 'b'])
  })

  it('resumes after the server was gone: no change is lost, none is told twice', async () => {
    cluster.set('a')
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    for (let round = 0; round < 5; round++) {
      await server.stop()
      cluster.set('a', { nodeName: `n${round}` })
      cluster.set(`b${round}`)
      await server.restart()
      await informer.seen(String(cluster.revision))
    }
    const resumed = server.requests.filter((request) => request.query.get('sendInitialEvents') === null)
    expect(resumed.length).toBeGreaterThanOrEqual(5)
    expect(heard).toEqual(['+a', '~a 1→2', '+b0', '~a 2→4', '+b1', '~a 4→6', '+b2', '~a 6→8', '+b3', '~a 8→10', '+b4'])
  })

  it('takes the state anew on 410 and tells the differences alone, a replaced object as gone and new', async () => {
    cluster.set('kept')
    cluster.set('changed')
    cluster.set('gone')
    cluster.set('replaced', {}, 'uid-1')
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    heard.length = 0
    await server.stop()
    cluster.set('changed')
    cluster.remove('gone')
    cluster.remove('replaced')
    cluster.set('replaced', {}, 'uid-2')
    cluster.set('new')
    cluster.compact()
    await server.restart()
    await informer.seen(String(cluster.revision))
    expect(heard).toEqual(['-gone', '~changed 2→5', '-replaced', '+replaced', '+new'])
    expect(informer.lister.size).toBe(4)
  })

  it('takes the state anew when an ERROR event says that the revision expired', async () => {
    cluster.set('a')
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason: 'Expired', code: 410, message: 'too old' }
    cluster.write(`event: ERROR\ndata: ${JSON.stringify(status)}\n\n`)
    await eventually(() => server.requests.filter((request) => request.query.has('sendInitialEvents')).length === 2)
    cluster.set('b')
    await informer.seen('2')
    expect(heard).toEqual(['+a', '+b'])
  })

  it('takes the state anew when the server is behind what was seen, as after a restore from a backup', async () => {
    cluster.set('a')
    cluster.set('lost')
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    await server.stop()
    cluster.objects.delete('lost')
    cluster.revision = 1
    const causes = [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' } as const]
    cluster.refusals = [{ code: 504, reason: 'Timeout', details: { causes } }]
    await server.restart()
    await eventually(() => expect(heard).toEqual(['+a', '+lost', '-lost']))
    expect(informer.hasSeen('2')).toBe(false)
  })

  it('throws away a first state that broke off half-way', async () => {
    cluster.set('a')
    cluster.brokenInitials = 2
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    expect(server.requests).toHaveLength(3)
    expect(heard).toEqual(['+a'])
  })

  it('resumes from a bookmark, so that compaction behind it costs no relist', async () => {
    cluster.set('a')
    const { informer } = recordingInformer()
    void informer.start(stop.signal, quick)
    await informer.synced()
    cluster.revision = 50
    cluster.compact()
    cluster.write(`event: BOOKMARK\nid: 50\ndata: {"kind":"Task","apiVersion":"millrace.dev/v1","metadata":{"resourceVersion":"50"}}\n\n`)
    await informer.seen('50')
    server.cut()
    cluster.set('b')
    await informer.seen('51')
    expect(server.requests.filter((request) => request.query.has('sendInitialEvents'))).toHaveLength(1)
  })

  it('lists where the server does not send the first state over the stream', async () => {
    cluster.listOnly = true
    cluster.set('a')
    const { informer, heard } = recordingInformer()
    void informer.start(stop.signal, { ...quick, failFast: true })
    await informer.synced()
    cluster.set('b')
    await informer.seen('2')
    expect(heard).toEqual(['+a', '+b'])
  })

  it('comes again through refusals that pass, and waits as it was told', async () => {
    cluster.set('a')
    cluster.refusals = [
      { code: 503, reason: 'ServiceUnavailable' },
      { code: 403, reason: 'Forbidden' },
      { code: 500, reason: 'InternalError' },
    ]
    const failures: unknown[] = []
    const { informer } = recordingInformer()
    void informer.start(stop.signal, { ...quick, onFailure: (failure) => failures.push(failure) })
    await informer.synced()
    expect(failures.map((failure) => (failure as { reason?: string }).reason)).toEqual(['ServiceUnavailable', 'Forbidden', 'InternalError'])
  })

  it('gives up at a refusal when it was asked to', async () => {
    cluster.refusals = [{ code: 403, reason: 'Forbidden' }]
    const { informer } = recordingInformer()
    const running = informer.start(stop.signal, { ...quick, failFast: true })
    await expect(informer.synced()).rejects.toSatisfy(isForbidden)
    await expect(running).rejects.toSatisfy(isForbidden)
  })

  it('stops with its signal: the stream is closed and what waits is told', async () => {
    const { informer } = recordingInformer()
    const running = informer.start(stop.signal, quick)
    await informer.synced()
    const waiting = informer.seen('99')
    stop.abort(new Error('enough'))
    await running
    await expect(waiting).rejects.toThrow('enough')
    await eventually(() => cluster.streams.size === 0)
  })
})
