import type { ServerResponse } from 'node:http'
import type { StatusDetails } from '../../api/api-error.js'
import { type ScriptedServer, sendJson, sendStatus, startScriptedServer } from './scripted-server.js'

export interface WireTask {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace: string; uid: string; resourceVersion: string; labels?: Record<string, string> }
  spec: { nodeName?: string }
}

interface Change {
  readonly revision: number
  readonly type: string
  readonly object: WireTask
}

/**
 * The watch protocol of the API server for one kind, in a page, so that the client's failure paths can be forced: a log of changes, initial
 * events, resuming by revision, bookmarks and 410.
 */
export class ScriptedCluster {
  revision = 0
  /** Watches from before this revision are told that it has expired. */
  compacted = 0
  /** Answers to the next watches, instead of a stream. */
  refusals: { code: number; reason: string; details?: StatusDetails }[] = []
  /** So many first states break off before their end. */
  brokenInitials = 0
  /** Refuses sendInitialEvents, as older servers do. */
  listOnly = false
  readonly objects = new Map<string, WireTask>()
  readonly streams = new Set<ServerResponse>()
  readonly #log: Change[] = []
  #server: ScriptedServer | undefined

  async start(): Promise<ScriptedServer> {
    this.#server = await startScriptedServer((request, response) => {
      if (!request.query.has('watch')) {
        const metadata = { resourceVersion: String(this.revision) }
        return sendJson(response, 200, { kind: 'TaskList', apiVersion: 'millrace.dev/v1', metadata, items: [...this.objects.values()] })
      }
      const refusal = this.refusals.shift()
      if (refusal) return sendStatus(response, refusal.code, refusal.reason, `scripted ${refusal.reason}`, refusal.details)
      const initial = request.query.get('sendInitialEvents') === 'true'
      if (initial && this.listOnly) return sendStatus(response, 422, 'Invalid', 'sendInitialEvents is not supported')
      const from = Number(request.query.get('resourceVersion'))
      if (!initial && from < this.compacted) return sendStatus(response, 410, 'Expired', 'too old resource version')
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      this.streams.add(response)
      response.on('close', () => this.streams.delete(response))
      if (initial) this.#sendInitial(response)
      else for (const change of this.#log) if (change.revision > from) response.write(frame(change))
    })
    return this.#server
  }

  set(name: string, spec: WireTask['spec'] = {}, uid = `uid-${name}`): WireTask {
    const revision = ++this.revision
    const metadata = { name, namespace: 'default', uid, resourceVersion: String(revision) }
    const object: WireTask = { apiVersion: 'millrace.dev/v1', kind: 'Task', metadata, spec }
    this.#publish({ revision, type: this.objects.has(name) ? 'MODIFIED' : 'ADDED', object })
    this.objects.set(name, object)
    return object
  }

  remove(name: string): void {
    const last = this.objects.get(name)
    if (!last) throw new Error(`there is no ${name}`)
    const revision = ++this.revision
    this.objects.delete(name)
    this.#publish({ revision, type: 'DELETED', object: { ...last, metadata: { ...last.metadata, resourceVersion: String(revision) } } })
  }

  /** Forgets all changes so far. */
  compact(): void {
    this.compacted = this.revision
    this.#log.length = 0
  }

  write(text: string): void {
    for (const stream of this.streams) stream.write(text)
  }

  #publish(change: Change): void {
    this.#log.push(change)
    this.write(frame(change))
  }

  #sendInitial(response: ServerResponse): void {
    for (const object of this.objects.values()) response.write(`event: ADDED\ndata: ${JSON.stringify(object)}\n\n`)
    if (this.brokenInitials > 0) {
      this.brokenInitials--
      response.write(': the end is near\n\n', () => response.destroy())
      return
    }
    const metadata = { resourceVersion: String(this.revision), annotations: { 'k8s.io/initial-events-end': 'true' } }
    const bookmark = { kind: 'Task', apiVersion: 'millrace.dev/v1', metadata }
    response.write(`event: BOOKMARK\nid: ${this.revision}\ndata: ${JSON.stringify(bookmark)}\n\n`)
  }
}

function frame({ revision, type, object }: Change): string {
  return `event: ${type}\nid: ${revision}\ndata: ${JSON.stringify(object)}\n\n`
}
