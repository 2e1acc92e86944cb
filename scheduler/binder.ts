import { ApiError } from '../lib/api/api-error.js'
import type { Kind } from '../lib/api/define-kind.js'
import type { Client } from '../lib/client/client.js'
import type { Workload } from './workload.js'

/** Sends bindings; `client.bind`. */
export type Bind = Client['bind']

export interface BindOutcome {
  readonly workload: Workload
  readonly nodeName: string
  /** `unknown`: no answer came, the bind may have happened. */
  readonly result: 'bound' | 'refused' | 'unknown'
  readonly message?: string
}

interface Pending {
  readonly workload: Workload
  readonly nodeName: string
}

/** The most bindings in one request: one commit of the store. */
const maxBatch = 256
/** Requests under way; while one commits the next is read. */
const maxInFlight = 3

/**
 * Gathers bindings and sends them in bulk. A lone binding goes out at once; while requests are under way the
 * next batch gathers. No binding is ever sent twice from here.
 */
export class Binder {
  private batch: Pending[] = []
  private inFlight = 0
  private readonly drained = new Set<() => void>()

  constructor(
    private readonly bind: Bind,
    private readonly onDone: (outcomes: readonly BindOutcome[]) => void,
  ) {}

  /** Whether another binding would be sent without waiting for answers. */
  get hasRoom(): boolean {
    return this.batch.length < maxBatch || this.inFlight < maxInFlight
  }

  add(workload: Workload, nodeName: string): void {
    this.batch.push({ workload, nodeName })
    if (this.batch.length >= maxBatch && this.inFlight < maxInFlight) this.send()
  }

  /** Nothing more to gather for now. */
  flush(): void {
    if (this.batch.length > 0 && this.inFlight === 0) this.send()
  }

  /** Resolves when everything was sent and answered. */
  drain(): Promise<void> {
    this.flush()
    if (this.inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => this.drained.add(resolve))
  }

  private send(): void {
    const batch = this.batch
    this.batch = []
    const kinds = new Map<Kind, Pending[]>()
    for (const pending of batch) {
      const items = kinds.get(pending.workload.kind)
      if (items) items.push(pending)
      else kinds.set(pending.workload.kind, [pending])
    }
    for (const [kind, items] of kinds) {
      this.inFlight++
      void this.sendOne(kind, items).then((outcomes) => {
        this.inFlight--
        this.onDone(outcomes)
        this.flush()
        if (this.inFlight === 0) for (const resolve of this.drained) resolve()
      })
    }
  }

  private async sendOne(kind: Kind, items: readonly Pending[]): Promise<BindOutcome[]> {
    const bindings = items.map(({ workload: { namespace, name, uid }, nodeName }) => ({ namespace, name, uid, nodeName }))
    try {
      const results = await this.bind(kind, bindings)
      return items.map((item, index) => {
        const answer = results[index]
        if (!answer) return { ...item, result: 'unknown', message: 'the answer leaves it out' }
        return answer.error ? { ...item, result: 'refused', message: answer.error.message } : { ...item, result: 'bound' }
      })
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      // Only an answer that says that nothing was done is a refusal; a server error may come after the commit.
      const result = error instanceof ApiError && error.code < 500 ? 'refused' : 'unknown'
      return items.map((item) => ({ ...item, result, message }))
    }
  }
}
