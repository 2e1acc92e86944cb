/** A watch that reconnects from the last revision it saw and records every event: what the watch rules are checked on. */
import { openSocket, type Target } from '../processes/connection.js'

export interface RecordedEvent {
  readonly type: string
  readonly name: string
  readonly revision: number
  /** Of a ConfigMap. */
  readonly data: Readonly<Record<string, string>> | undefined
}

export interface RecordedWatch {
  /** Waits until an event or bookmark at or above `revision` has come, ends the watch, gives all events but bookmarks. */
  upTo(revision: number): Promise<readonly RecordedEvent[]>
}

/** Watches `path` from a revision on, the first by default, through restarts of whatever `target` names at the time. */
export function recordWatch(target: () => Target, path: string, since = 1): RecordedWatch {
  const events: RecordedEvent[] = []
  let last = since
  let wanted = Number.POSITIVE_INFINITY
  let failure: Error | undefined
  const run = async () => {
    while (last < wanted && !failure) await follow().catch(() => new Promise((resolve) => setTimeout(resolve, 20)))
  }
  const follow = async () => {
    const socket = await openSocket(target())
    await new Promise<void>((resolve) => {
      let text = ''
      const poll = setInterval(() => last >= wanted && socket.destroy(), 10)
      socket.on('error', () => socket.destroy())
      socket.on('close', () => {
        clearInterval(poll)
        resolve()
      })
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('utf8')
        const lines = text.split('\n')
        text = lines.pop() ?? ''
        for (const line of lines) if (line.startsWith('{"type"')) take(line)
      })
      socket.write(
        `GET ${path}?watch=true&allowWatchBookmarks=true&resourceVersion=${last} HTTP/1.1\r\nhost: test\r\naccept: application/json\r\n\r\n`,
      )
    })
  }
  const take = (line: string) => {
    const { type, object } = JSON.parse(line) as {
      type: string
      object: { metadata: { name: string; resourceVersion: string }; data?: Record<string, string>; message?: string }
    }
    if (type === 'ERROR') {
      failure = new Error(`the watch failed: ${object.message}`)
      return
    }
    const revision = Number(object.metadata.resourceVersion)
    if (type !== 'BOOKMARK') events.push({ type, name: object.metadata.name, revision, data: object.data })
    last = Math.max(last, revision)
  }
  const running = run()
  return {
    async upTo(revision) {
      const newest = () => events.at(-1)?.revision ?? 0
      wanted = Math.min(revision, Number.POSITIVE_INFINITY)
      const deadline = performance.now() + 60_000
      while (last < wanted && !failure && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
      if (failure) throw failure
      if (last < wanted) throw new Error(`the watch stands at ${newest()}, below ${revision}`)
      await running
      return events
    },
  }
}
